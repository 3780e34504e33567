-- Notes a live worker and its slots, and drops the workers of the engine that fell silent.
-- keys: known, workers(engine)
-- args: engine, worker, slots, ttl_ms
-- result: nothing
-- includes: fleet

local engine, worker, slots, ttl_ms = unpack(ARGV)
local workers, now = key.workers(engine), now_ms()
redis.call('SADD', key.known(), engine)
redis.call('HSET', workers, worker, slots .. ' ' .. (now + ttl_ms))
local live = {}
live_workers(engine, now, function(name) live[name] = true end)
for _, name in ipairs(redis.call('HKEYS', workers)) do
  if not live[name] then redis.call('HDEL', workers, name) end
end
