-- Places a new hint: at home, where its prefix is warm, or where there is much room, unless a
-- hint before it should have that slot; else in the backlog. A known hint stays where it is.
-- keys: ticket(hint), engines, known; workers, leases, service, health, warm(engine); student;
--   backlog, courses(lane), course_backlog, rounds(lane and course); doorbells(engine)
-- args: hint, last attempt, since_ms or '' for now, grant_ms, doorbell, then name, value of each
--   further field of the ticket
-- result: {engine of a grant not claimed or false, attempt, queue_position or 0, eta_s or false,
--   how many engines there are}
-- includes: placement

local hint, attempt, since, grant_ms, doorbell = unpack(ARGV, 1, 5)
attempt = tonumber(attempt)
local ticket, now = key.ticket(hint), now_ms()
if since == '' then since = now end

if redis.call('EXISTS', ticket) == 0 then
  redis.call('HSET', ticket, 'attempt', attempt, 'since_ms', since, unpack(ARGV, 6))
  local new, fleet, alone = read(hint), look(now), backlog_size() == 0
  -- If nobody else waits, a hint that finds a slot at once is spared the backlog.
  if not alone then enter(hint) end
  local engine = engine_for(new, fleet, alone)
  if engine then
    grant(new, engine, fleet, now, grant_ms, doorbell)
  elseif alone then
    enter(hint)
  end
elseif redis.call('HGET', ticket, 'phase') == 'waiting' then
  -- Redis may have lost its last second: the row knows the higher number then.
  local known = tonumber(redis.call('HGET', ticket, 'attempt'))
  redis.call('HSET', ticket, 'attempt', math.max(known, attempt))
end

local phase, engine, granted = unpack(redis.call('HMGET', ticket, 'phase', 'engine', 'attempt'))
local queue_position, lane = positions()(hint)
local eta = queue_position > 0 and eta_s(queue_position, lane, pace_s(now))
local engines = redis.call('HLEN', key.engines())
return {phase == 'granted' and engine, tonumber(granted), queue_position, eta, engines}
