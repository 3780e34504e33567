-- Sets which engines may get hints; forgets the others once nothing is left of them.
-- keys: engines, known; workers, leases, service, health, reading, warm(engine)
-- args: engine, most slots, tier of each
-- result: nothing
-- includes: fleet

redis.call('DEL', key.engines())
for i = 1, #ARGV, 3 do
  redis.call('HSET', key.engines(), ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2])
  redis.call('SADD', key.known(), ARGV[i])
end
local now = now_ms()
for _, engine in ipairs(redis.call('SMEMBERS', key.known())) do
  local workers = 0
  live_workers(engine, now, function() workers = workers + 1 end)
  if workers + in_flight(engine) == 0 and redis.call('HEXISTS', key.engines(), engine) == 0 then
    redis.call('DEL', key.workers(engine), key.service(engine), key.health(engine),
      key.reading(engine), key.warm(engine))
    redis.call('SREM', key.known(), engine)
  end
end
