-- Tells which nodes are alive, and forgets the others.
-- keys: node(node), nodes
-- args: none
-- result: {{node, engines, crews, fast_ms}, …}

local live = {}
for _, node in ipairs(redis.call('SMEMBERS', key.nodes())) do
  local engines, crews, fast_ms =
    unpack(redis.call('HMGET', key.node(node), 'engines', 'crews', 'fast_ms'))
  if engines then
    -- A node of another version may not tell.
    live[#live + 1] = {node, engines, crews, tonumber(fast_ms) or 0}
  else
    redis.call('SREM', key.nodes(), node)
  end
end
return live
