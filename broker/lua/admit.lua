-- Places a new hint: at home, where its prefix is warm, or where there is much room, unless a
-- hint before it should have that slot; else in the line. A known hint stays where it is.
-- keys: ticket(hint), engines, known; workers, leases, service, health, warm(engine); student;
--   backlog, courses(lane), line, rounds(lane and course); doorbells(engine)
-- args: hint, last attempt, since_ms or '' for now, grant_ms, doorbell, then name, value of each
--   further field of the ticket
-- result: {engine of a grant not claimed or false, attempt, position or 0, eta_s or false}
-- includes: place

local hint, attempt, since, grant_ms, doorbell = unpack(ARGV, 1, 5)
attempt = tonumber(attempt)
local ticket, now = key.ticket(hint), now_ms()
if since == '' then since = now end

if redis.call('EXISTS', ticket) == 0 then
  redis.call('HSET', ticket, 'attempt', attempt, 'since_ms', since, unpack(ARGV, 6))
  local new, fleet, alone = read(hint), look(now), waiting() == 0
  -- Where nobody waits it would be in the line for the time of this call only.
  if not alone then enter(hint) end
  local engine = engine_for(new, fleet, alone)
  if engine then
    grant(new, engine, fleet, now, grant_ms, doorbell)
  elseif alone then
    enter(hint)
  end
elseif redis.call('HGET', ticket, 'place') == 'waiting' then
  -- Redis may have lost its last second: the row knows the higher number then.
  local known = tonumber(redis.call('HGET', ticket, 'attempt'))
  redis.call('HSET', ticket, 'attempt', math.max(known, attempt))
end

local place, engine, granted = unpack(redis.call('HMGET', ticket, 'place', 'engine', 'attempt'))
local position, lane = places()(hint)
local eta = position > 0 and eta_s(position, lane, pace_s(now))
return {place == 'granted' and engine, tonumber(granted), position, eta}
