-- Takes a hint from an attempt that is lost, which may write no more, known or not.
-- keys: ticket, stream, tip(hint), leases(engine), student; backlog, courses(lane);
--   course_backlog, rounds(lane and course)
-- args: hint, attempt, ttl_s of the stream
-- result: 1 if the hint waits now, after this attempt; else 0
-- includes: placement, stream, lost

local hint, attempt, ttl_s = ARGV[1], tonumber(ARGV[2]), ARGV[3]
if has_slot(hint, attempt) then
  local engine = redis.call('HGET', key.ticket(hint), 'engine')
  if silent(hint, engine) == 1 then count_lost(hint) end
  requeue(hint)
end
fence(hint, attempt, ttl_s)
local phase, at = unpack(redis.call('HMGET', key.ticket(hint), 'phase', 'attempt'))
return phase == 'waiting' and tonumber(at) == attempt and 1 or 0
