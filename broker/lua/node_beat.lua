-- Notes that a node is alive under its name, and what it does; or tells that another one is.
-- keys: node(node), nodes
-- args: node, token, ttl_ms, engines, crews, its_now_ms
-- result: nil if the name is the token's, else how often the other holder has beaten
-- includes: clock

local node, token, ttl_ms, engines, crews, its_now_ms = unpack(ARGV)
local holder, beats = unpack(redis.call('HMGET', key.node(node), 'token', 'beats'))
if holder and holder ~= token then return tonumber(beats) end
redis.call('SADD', key.nodes(), node)
redis.call('HINCRBY', key.node(node), 'beats', 1)
redis.call('HSET', key.node(node), 'token', token, 'engines', engines, 'crews', crews,
  'fast_ms', its_now_ms - now_ms())
redis.call('PEXPIRE', key.node(node), ttl_ms)
return false
