-- What engines can take now.
-- includes: clock

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

-- L: the most hints the engine may have in flight now.
local function limit(engine, now)
  local slots = live_slots(engine, now)
  local state, most = unpack(redis.call('HMGET', key.health(engine), 'state', 'limit'))
  if state == 'down' then return 0 end
  if state == 'probing' then return math.min(1, slots) end
  return most and math.min(slots, math.floor(most)) or slots
end

local function in_flight(engine)
  return redis.call('ZCARD', key.leases(engine))
end

-- Every engine that may get hints, by name: its limit and how many it has in flight; the sums;
-- and what was found out in this call: homes of prefixes, how many students have in flight.
local function look(now)
  local fleet = {names = redis.call('HKEYS', key.engines()), limit = {}, busy = {}}
  fleet.limits, fleet.busies, fleet.homes, fleet.held = 0, 0, {}, {}
  table.sort(fleet.names)
  for _, engine in ipairs(fleet.names) do
    fleet.limit[engine], fleet.busy[engine] = limit(engine, now), in_flight(engine)
    fleet.limits = fleet.limits + fleet.limit[engine]
    fleet.busies = fleet.busies + fleet.busy[engine]
  end
  return fleet
end
