-- Places a new hint: on the least loaded engine whose slot nobody who waits could have, or in
-- the backlog. A known hint stays where it is.
-- keys: ticket(hint), backlog, engines, known; workers, leases, service(engine)
-- args: hint, last attempt, since_ms, grant_ms, then name, value of each further field of the ticket
-- result: {engine of a grant not claimed or false, attempt, position or 0, eta_s or false}
-- includes: fleet, line

local hint, attempt, since, grant_ms = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local ticket, now = key.ticket(hint), now_ms()

local function least_loaded()
  local best, least
  local names = redis.call('HKEYS', key.engines())
  table.sort(names)
  for _, engine in ipairs(names) do
    local slots, busy = live_slots(engine, now), in_flight(engine)
    if busy < slots and (not best or busy / slots < least) and #eligible(engine, 1) == 0 then
      best, least = engine, busy / slots
    end
  end
  return best
end

if redis.call('EXISTS', ticket) == 0 then
  redis.call('HSET', ticket, 'place', 'waiting', 'attempt', attempt, 'since_ms', since,
    unpack(ARGV, 5))
  local engine = least_loaded()
  if engine then
    grant(hint, engine, now, grant_ms)
  else
    redis.call('ZADD', key.backlog(), since, hint)
  end
elseif redis.call('HGET', ticket, 'place') == 'waiting' then
  -- Redis may have lost its last second: the row knows the higher number then.
  local known = tonumber(redis.call('HGET', ticket, 'attempt'))
  redis.call('HSET', ticket, 'attempt', math.max(known, attempt))
end

local place, engine, granted = unpack(redis.call('HMGET', ticket, 'place', 'engine', 'attempt'))
local rank, eta = position(hint, pace_s(now))
return {place == 'granted' and engine, tonumber(granted), rank, eta}
