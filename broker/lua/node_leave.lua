-- Gives a node's name free, if it is still the token's.
-- keys: node(node), nodes
-- args: node, token
-- result: nothing

local node, token = unpack(ARGV)
if redis.call('HGET', key.node(node), 'token') == token then
  redis.call('DEL', key.node(node))
  redis.call('SREM', key.nodes(), node)
end
