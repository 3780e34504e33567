-- Takes a hint from an attempt that is lost, which may write no more, known or not.
-- keys: ticket, stream, tip(hint), leases(engine), student; backlog, courses(lane), line, rounds
-- args: hint, attempt, ttl_s of the stream
-- result: 1 if the hint waits now, after this attempt; else 0
-- includes: place, stream, lost

local hint, attempt, ttl_s = ARGV[1], tonumber(ARGV[2]), ARGV[3]
if has_slot(hint, attempt) then
  local engine = redis.call('HGET', key.ticket(hint), 'engine')
  if silent(hint, engine) == 1 then count_lost(hint) end
  back_to_line(hint)
end
fence(hint, attempt, ttl_s)
local place, at = unpack(redis.call('HMGET', key.ticket(hint), 'place', 'attempt'))
return place == 'waiting' and tonumber(at) == attempt and 1 or 0
