-- Tells which nodes are alive, and forgets the others.
-- keys: node(node), nodes
-- args: none
-- result: {{node, engines, crews}, …}

local live = {}
for _, node in ipairs(redis.call('SMEMBERS', key.nodes())) do
  local engines, crews = unpack(redis.call('HMGET', key.node(node), 'engines', 'crews'))
  if engines then
    live[#live + 1] = {node, engines, crews}
  else
    redis.call('SREM', key.nodes(), node)
  end
end
return live
