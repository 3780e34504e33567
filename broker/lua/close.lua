-- Ends a hint's stream with DONE after whatever is there, whoever wrote it.
-- keys: stream(hint), tip(hint)
-- args: hint, attempt, ttl_s, final status, data of the event
-- result: 1, or 0 if it was closed already
-- includes: stream

local hint, attempt, ttl_s, status, data = unpack(ARGV)
return close(hint, tonumber(attempt), ttl_s, '', status, data)
