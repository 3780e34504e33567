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

-- '<most slots> <tier>' of an engine, as two numbers.
local function numbers_of(setting)
  local slots, tier = setting:match('^(%d+) (%d+)$')
  return tonumber(slots), tonumber(tier)
end

local function max_slots(engine)
  return (numbers_of(redis.call('HGET', key.engines(), engine) or '0 0'))
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

-- Whether hints can count on the engine, now or after a short pause. One that was down and is free
-- counts too, or no hint would ever try it.
local function is_there(engine, now)
  local state, away_ms = unpack(redis.call('HMGET', key.health(engine), 'state', 'away_ms'))
  if state == 'down' or state == 'probing' and in_flight(engine) > 0 then return false end
  return live_slots(engine, now) > 0 and tonumber(away_ms or 0) <= now
end

-- Every engine that may get hints, in a list and by name: its tier, whether it is there, and
-- whether it stands by: it does as long as one of an earlier tier is there.
local function tiers(now)
  local fleet, last, serving = {names = {}, tier = {}, there = {}, stands_by = {}}, 0, math.huge
  local settings = redis.call('HGETALL', key.engines())
  for i = 1, #settings, 2 do
    local _, tier = numbers_of(settings[i + 1])
    fleet.names[#fleet.names + 1], fleet.tier[settings[i]] = settings[i], tier
    last = math.max(last, tier)
  end
  table.sort(fleet.names)
  -- Most fleets are of one tier: nobody stands by, and nobody need be asked.
  if last == 0 then return fleet end
  for engine, tier in pairs(fleet.tier) do
    fleet.there[engine] = is_there(engine, now)
    if fleet.there[engine] then serving = math.min(serving, tier) end
  end
  for engine, tier in pairs(fleet.tier) do fleet.stands_by[engine] = tier > serving end
  return fleet
end

-- The tiers, and of every engine by name its limit, how many hints it has in flight, and how many
-- diagnoses beside them; the sums over those that do not stand by; and what was found out in this
-- call: homes of prefixes, how many students have in flight, which engines have a suspect.
local function look(now)
  local fleet = tiers(now)
  fleet.limit, fleet.busy, fleet.ahead, fleet.limits, fleet.busies = {}, {}, {}, 0, 0
  fleet.homes, fleet.held, fleet.suspects = {}, {}, {}
  for _, engine in ipairs(fleet.names) do
    fleet.limit[engine], fleet.ahead[engine] = limit(engine, now), in_flight_ahead(engine)
    -- To hints a slot that a diagnosis has is free: it is theirs as soon as they need it.
    fleet.busy[engine] = in_flight(engine) - fleet.ahead[engine]
    if not fleet.stands_by[engine] then
      fleet.limits = fleet.limits + fleet.limit[engine]
      fleet.busies = fleet.busies + fleet.busy[engine]
    end
  end
  return fleet
end
