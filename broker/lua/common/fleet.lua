-- What an engine can take now.

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Calls visit(worker, slots) for each worker of the engine whose heartbeat is not over.
local function live_workers(engine, now, visit)
  local workers = redis.call('HGETALL', key.workers(engine))
  for i = 1, #workers, 2 do
    local slots, deadline = workers[i + 1]:match('^(%d+) (%d+)$')
    if tonumber(deadline) > now then visit(workers[i], tonumber(slots)) end
  end
end

local function max_slots(engine)
  return tonumber(redis.call('HGET', key.engines(), engine) or 0)
end

local function live_slots(engine, now)
  local sum = 0
  live_workers(engine, now, function(_, slots) sum = sum + slots end)
  return math.min(sum, max_slots(engine))
end

local function in_flight(engine)
  return redis.call('ZCARD', key.leases(engine))
end
