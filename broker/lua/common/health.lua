-- The breaker of an engine.
-- includes: fleet

-- Whether another engine that may get hints is up and has a live worker.
local function another_is_up(engine, now)
  for _, other in ipairs(redis.call('HKEYS', key.engines())) do
    local state = redis.call('HGET', key.health(other), 'state') or 'up'
    local workers = 0
    live_workers(other, now, function() workers = workers + 1 end)
    if other ~= engine and state == 'up' and workers > 0 then return true end
  end
  return false
end

-- Takes the engine down. Its leases are called in: over, and not to be renewed, so that rescue
-- takes the hints back, the row first.
local function eject(engine, why, now)
  local health, leases = key.health(engine), key.leases(engine)
  redis.call('HSET', health, 'state', 'down', 'why', why, 'since_ms', now)
  redis.call('HINCRBY', health, 'ejections', 1)
  redis.call('HDEL', health, 'failures')
  redis.call('DEL', key.warm(engine))
  for _, hint in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
    redis.call('ZADD', leases, 0, hint)
  end
end
