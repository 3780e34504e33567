-- Which hint goes to which engine: grants, and the two choices that lead to one.
-- includes: fleet, home, warm, backlog, doorbell

-- A pull chooses among the first WINDOW hints that may go to the engine, and looks at SCAN at
-- most, so that it stays short however long the backlog is.
local WINDOW, SCAN = 128, 1024
-- The share of fair load an engine may have before hints leave their home.
local BOUND = 1.25
local MOST_A_STUDENT = 2
-- A hint that lost so many attempts may be what kills its workers. On its last one no engine has
-- another such hint, so that those which only ran beside it do not end with it.
local SUSPECT = 2
-- Batch hints come in below this load; above it, every BATCH_TURN-th pull takes one that waited.
local BATCH_LOAD_PERCENT, BATCH_TURN = 70, 64
-- Every AGED_TURN-th pull takes the first that has waited long: affinity starves nobody.
local AGED_TURN = 8

local function read(hint)
  local ticket = {hint = hint}
  ticket.prefix, ticket.tokens, ticket.attempt, ticket.student, ticket.lane, ticket.since,
    ticket.lost, ticket.only, ticket.able = unpack(redis.call('HMGET', key.ticket(hint),
      'prefix', 'prefix_tokens', 'attempt', 'student', 'lane', 'since_ms', 'lost', 'only', 'able'))
  ticket.suspect = tonumber(ticket.lost or 0) >= SUSPECT
  ticket.tokens, ticket.attempt = tonumber(ticket.tokens or 0), tonumber(ticket.attempt)
  -- Without a shared part that is worth a cache, or after a failure, the first free slot is best.
  ticket.anywhere = ticket.tokens == 0 or ticket.attempt > 0
  return ticket
end

-- Whether the engine has room for one more diagnosis that runs ahead: half of what it can take stays
-- free, so that students who come find slots without any one giving way. What stands in for others
-- has none: somebody may be paid for it.
local function roomy(engine, fleet)
  return fleet.tier[engine] == 0
    and 2 * (fleet.busy[engine] + fleet.ahead[engine] + 1) <= fleet.limit[engine]
end

-- Whether the student may have one more in flight. Nobody waits for a batch hint.
local function may_have(ticket, fleet)
  local student, held = ticket.student, fleet.held
  if ticket.lane == 'batch' or not student then return true end
  held[student] = held[student] or redis.call('SCARD', key.student(student))
  return held[student] < MOST_A_STUDENT
end

local function has_suspect(engine, fleet)
  if fleet.suspects[engine] == nil then
    fleet.suspects[engine] = false
    for _, hint in ipairs(redis.call('ZRANGE', key.leases(engine), 0, -1)) do
      local lost = tonumber(redis.call('HGET', key.ticket(hint), 'lost') or 0)
      if lost >= SUSPECT then fleet.suspects[engine] = true end
    end
  end
  return fleet.suspects[engine]
end

local function failed_on(ticket, engine)
  return ticket.attempt > 0 and redis.call('HEXISTS', key.ticket(ticket.hint), 'not:' .. engine) == 1
end

-- Whether an engine of an earlier tier is there for the hint.
local function may_wait(ticket, engine, fleet)
  if not fleet.stands_by[engine] then return false end
  for name, tier in pairs(fleet.tier) do
    if tier < fleet.tier[engine] and fleet.there[name] and not failed_on(ticket, name) then
      return true
    end
  end
  return false
end

-- Whether another engine can do what this one would only send back. With none of them there, to
-- be sent back at once is better than to wait.
local function others_are_able(ticket, engine, fleet)
  local there = false
  for name in (ticket.able or ''):gmatch('%S+') do
    if name == engine then return false end
    local takes = (fleet.limit[name] or 0) > 0 and not fleet.stands_by[name]
    there = there or takes and not failed_on(ticket, name)
  end
  return there
end

local function may_go(ticket, engine, fleet)
  if ticket.only then
    if ticket.only ~= engine then return false end
  elseif may_wait(ticket, engine, fleet) then
    return false
  end
  if others_are_able(ticket, engine, fleet) then return false end
  if runs_ahead(ticket.hint) and not roomy(engine, fleet) then return false end
  if ticket.attempt == 0 then return true end
  if ticket.suspect and has_suspect(engine, fleet) then return false end
  return not failed_on(ticket, engine)
end

local function crowded(fleet)
  return 100 * fleet.busies >= BATCH_LOAD_PERCENT * fleet.limits
end

local function belongs(ticket, engine, fleet)
  return ticket.anywhere or is_warm(engine, ticket.prefix, ticket.tokens)
    or home(ticket.prefix, fleet) == engine
end

local function half_empty(engine, fleet)
  return fleet.busy[engine] < fleet.limit[engine] / 2
end

-- Returns a function that gives the n-th hint of these lanes that may go to the engine.
-- known: tickets that were read before.
local function candidates(lanes, engine, fleet, known)
  local found, looked, lane, next = {}, 0, 0, nil
  local function look_at_one()
    local hint = next and next()
    if not hint then
      lane = lane + 1
      next = lanes[lane] and walk(lanes[lane])
      return next
    end
    looked = looked + 1
    -- Many of them may wait: those that may not go are not even read.
    if runs_ahead(hint) and not roomy(engine, fleet) then return looked < SCAN end
    known[hint] = known[hint] or read(hint)
    if may_have(known[hint], fleet) and may_go(known[hint], engine, fleet) then
      found[#found + 1] = known[hint]
    end
    return looked < SCAN
  end
  return function(n)
    while not found[n] and look_at_one() do end
    return found[n]
  end
end

-- To an engine that stands by go hints that failed elsewhere, and those that are for it alone.
local function open_lanes(engine, fleet)
  local lanes = {'retry'}
  if not fleet.stands_by[engine] then lanes[2] = 'interactive' end
  if not crowded(fleet) then lanes[#lanes + 1] = 'batch' end
  return lanes
end

-- Frees the slot of a hint that has one.
local function free_slot(hint)
  local engine, student = unpack(redis.call('HMGET', key.ticket(hint), 'engine', 'student'))
  if engine then
    redis.call('ZREM', key.leases(engine), hint)
    if runs_ahead(hint) then redis.call('ZREM', key.ahead(engine), hint) end
  end
  if student then redis.call('SREM', key.student(student), hint) end
end

-- Puts a hint that has a slot back into the backlog.
local function requeue(hint)
  free_slot(hint)
  redis.call('HDEL', key.ticket(hint), 'engine', 'claimer', 'affinity')
  enter(hint)
end

-- Sends the engine's newest diagnosis back to wait, if there is no slot but those that they have.
-- Its worker finds that it has lost the slot, and stops.
local function give_way(engine, fleet)
  if fleet.busy[engine] + fleet.ahead[engine] < fleet.limit[engine] then return end
  local job = redis.call('ZRANGE', key.ahead(engine), 0, 0, 'REV')[1]
  if not job then return end
  requeue(job)
  fleet.ahead[engine] = fleet.ahead[engine] - 1
end

-- Gives the hint a slot of the engine and the next attempt number, which is returned, and rings.
local function grant(ticket, engine, fleet, now, grant_ms, doorbell)
  local hint, name, affinity = ticket.hint, key.ticket(ticket.hint), 'cold'
  if ticket.tokens > 0 then
    if home(ticket.prefix, fleet) == engine then
      affinity = 'home'
    elseif is_warm(engine, ticket.prefix, ticket.tokens) then
      affinity = 'warm'
    end
  end
  if not runs_ahead(hint) then give_way(engine, fleet) end
  leave(hint, true)
  local attempt = redis.call('HINCRBY', name, 'attempt', 1)
  redis.call('HSET', name, 'phase', 'granted', 'engine', engine, 'affinity', affinity)
  redis.call('HDEL', name, 'claimer')
  redis.call('ZADD', key.leases(engine), now + grant_ms, hint)
  redis.call('SADD', key.known(), engine)
  if ticket.student and ticket.lane ~= 'batch' then
    redis.call('SADD', key.student(ticket.student), hint)
    fleet.held[ticket.student] = nil
  end
  if ticket.tokens > 0 then use(engine, ticket.prefix, ticket.tokens, now) end
  ring(doorbell, hint, attempt, engine, now)
  if runs_ahead(hint) then
    redis.call('ZADD', key.ahead(engine), now, hint)
    fleet.ahead[engine] = fleet.ahead[engine] + 1
  else
    fleet.busy[engine], fleet.busies = fleet.busy[engine] + 1, fleet.busies + 1
  end
  if ticket.suspect then fleet.suspects[engine] = true end
  return attempt
end

-- The first of the WINDOW candidates that `fits`; nil if none does.
local function first(candidate, fits)
  for n = 1, WINDOW do
    local ticket = candidate(n)
    if not ticket or fits(ticket) then return ticket end
  end
end

-- Whether a hint of these lanes asked before this time.
local function asked_before(lanes, time)
  for _, lane in ipairs(lanes) do
    local first_asked = redis.call('ZRANGE', key.backlog(lane), 0, 0, 'WITHSCORES')[2]
    if first_asked and tonumber(first_asked) < time then return true end
  end
  return false
end

-- The hint of the backlog that should have a free slot of the engine; nil to keep the slot free.
local function choose(engine, fleet, known, now, aged_ms)
  local function aged(ticket) return now - ticket.since > aged_ms end
  -- The cheap question comes first: a search that finds nobody aged reads a whole window.
  local function first_aged(lanes)
    return asked_before(lanes, now - aged_ms)
      and first(candidates(lanes, engine, fleet, known), aged)
  end
  local pulls, lanes = redis.call('INCR', key.pulls()), open_lanes(engine, fleet)
  local candidate = candidates(lanes, engine, fleet, known)
  return pulls % BATCH_TURN == 0 and first_aged({'batch'})
    or pulls % AGED_TURN == 0 and first_aged(lanes)
    or first(candidate, function(ticket) return belongs(ticket, engine, fleet) end)
    or half_empty(engine, fleet) and candidate(1)
    or nil
end

-- Grants free slots of the engine; returns {hint, attempt} of each.
local function pull(engine, grant_ms, aged_ms, doorbell)
  local grants, known, now = {}, {}, now_ms()
  if backlog_size() == 0 then return grants end
  local fleet = look(now)
  local most = fleet.limit[engine] or 0
  while most > 0 and fleet.busy[engine] < most and backlog_size() > 0 do
    local ticket = choose(engine, fleet, known, now, tonumber(aged_ms))
    if not ticket then break end
    local attempt = grant(ticket, engine, fleet, now, grant_ms, doorbell)
    grants[#grants + 1] = {ticket.hint, attempt}
  end
  return grants
end

-- Whether a pull would give the slot to a hint that is before this one in the backlog.
local function overtakes(ticket, engine, fleet, known)
  local own = belongs(ticket, engine, fleet)
  local before = first(candidates(open_lanes(engine, fleet), engine, fleet, known), function(other)
    return other.hint == ticket.hint or not own or belongs(other, engine, fleet)
  end)
  return before and before.hint ~= ticket.hint
end

-- Engine with the lowest share of its slots in use, of those that `fits` lets through.
local function least_loaded(fleet, fits)
  local best, least
  for _, engine in ipairs(fleet.names) do
    local share = fleet.busy[engine] / fleet.limit[engine]
    if fleet.limit[engine] > 0 and fits(engine) and (not best or share < least) then
      best, least = engine, share
    end
  end
  return best
end

-- The engine for a new hint; nil if it must wait. alone: nobody else waits, and the hint is not in
-- the backlog; else it is there already.
local function engine_for(ticket, fleet, alone)
  if not may_have(ticket, fleet) or ticket.lane == 'batch' and crowded(fleet) then return nil end
  local fair, known = BOUND * (fleet.busies + (alone and 1 or backlog_size())), {}
  local function free(engine)
    return fleet.busy[engine] < fleet.limit[engine] and may_go(ticket, engine, fleet)
      and (alone or not overtakes(ticket, engine, fleet, known))
  end
  local function under_bound(engine)
    local bound = math.max(2, math.ceil(fair * fleet.limit[engine] / fleet.limits))
    return fleet.busy[engine] < bound and free(engine)
  end
  if ticket.anywhere then return least_loaded(fleet, free) end
  local own = home(ticket.prefix, fleet)
  if own and under_bound(own) then return own end
  return least_loaded(fleet, function(engine)
    return is_warm(engine, ticket.prefix, ticket.tokens) and under_bound(engine)
  end) or least_loaded(fleet, function(engine)
    return half_empty(engine, fleet) and free(engine)
  end)
end

-- Whether this attempt of the hint has a slot, of any engine or of the given one.
local function has_slot(hint, attempt, engine)
  local phase, at, own = unpack(redis.call('HMGET', key.ticket(hint), 'phase', 'attempt', 'engine'))
  return phase and phase ~= 'waiting' and tonumber(at) == attempt and (not engine or own == engine)
end

-- Takes a hint out of wherever it is; returns the engine whose slot is free now, or false.
local function forget(hint)
  local engine = redis.call('HGET', key.ticket(hint), 'engine')
  leave(hint, false)
  free_slot(hint)
  redis.call('DEL', key.ticket(hint))
  return engine
end
