-- What engines can take now.
-- includes: clock, ahead

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

-- Milliseconds until a server that limits its rate may be asked again; 0 for now.
local function paused_ms(engine, now)
  return math.max(0, (redis.call('HGET', key.health(engine), 'paused_ms') or 0) - now)
end

-- L: the most hints the engine may have in flight now.
local function limit(engine, now)
  local slots = live_slots(engine, now)
  local state, most, allowance =
    unpack(redis.call('HMGET', key.health(engine), 'state', 'limit', 'allowance'))
  if state == 'down' or paused_ms(engine, now) > 0 then return 0 end
  if state == 'probing' then return math.min(1, slots) end
  return math.min(slots, math.floor(most or slots), math.floor(allowance or slots))
end

local function in_flight(engine)
  return redis.call('ZCARD', key.leases(engine))
end

-- Every engine that may get hints, by name: its limit, how many it has in flight, and how many
-- diagnoses beside them; the sums; and what was found out in this call: homes of prefixes, how many
-- students have in flight, which engines have a suspect.
local function look(now)
  local fleet = {names = redis.call('HKEYS', key.engines()), limit = {}, busy = {}, ahead = {}}
  fleet.limits, fleet.busies, fleet.homes, fleet.held = 0, 0, {}, {}
  fleet.suspects = {}
  table.sort(fleet.names)
  for _, engine in ipairs(fleet.names) do
    fleet.limit[engine], fleet.ahead[engine] = limit(engine, now), in_flight_ahead(engine)
    -- To hints a slot that a diagnosis has is free: it is theirs as soon as they need it.
    fleet.busy[engine] = in_flight(engine) - fleet.ahead[engine]
    fleet.limits = fleet.limits + fleet.limit[engine]
    fleet.busies = fleet.busies + fleet.busy[engine]
  end
  return fleet
end
