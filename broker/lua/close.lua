-- Ends a hint's stream with DONE after whatever is there, whoever wrote it.
-- keys: stream(hint), tip(hint)
-- args: hint, attempt, ttl_s, owner or '', final status, data of the event
-- result: 1, or 0 if it was closed already
-- includes: stream

local hint, attempt, ttl_s, owner, status, data = unpack(ARGV)
local tip = redis.call('HMGET', key.tip(hint), 'closed', 'attempt', 'seq')
if tip[1] then return 0 end
local at, seq = tonumber(tip[2] or 0), tonumber(tip[3] or 0)
attempt = tonumber(attempt)
if attempt > at then at, seq = attempt, 0 end
add_event(hint, at, seq + 1, 'done', data)
set_tip(hint, at, seq + 1, status, owner, ttl_s)
redis.call('HSET', key.tip(hint), 'closed', 1)
return 1
