-- Calls in the lease of an attempt that a bug has ended, so that rescue takes the hint back or, if
-- this has happened too often, ends it.
-- keys: ticket(hint), leases(engine)
-- args: engine, hint, attempt
-- result: nothing
-- includes: lost

local engine, hint, attempt = unpack(ARGV)
local phase, own, at = unpack(redis.call('HMGET', key.ticket(hint), 'phase', 'engine', 'attempt'))
if phase == 'claimed' and own == engine and at == attempt then call_in(hint, engine) end
