-- Turns a grant into a claim.
-- keys: ticket(hint), leases(engine)
-- args: hint, engine, "<worker> <token>" of the claimer, lease_ms
-- result: {attempt, home, warm or cold, since_ms, ms of now}; false if this engine has no grant for
--   the hint, or somebody else claimed it
-- includes: clock

local hint, engine, token, lease_ms = unpack(ARGV)
local ticket = key.ticket(hint)
local phase, own, attempt, claimer, affinity, since = unpack(redis.call('HMGET', ticket,
  'phase', 'engine', 'attempt', 'claimer', 'affinity', 'since_ms'))
if own ~= engine or (phase ~= 'granted' and claimer ~= token) then return false end
-- A lease at 0 was called in: rescue is about to take the hint.
if redis.call('ZSCORE', key.leases(engine), hint) == '0' then return false end
redis.call('HSET', ticket, 'phase', 'claimed', 'claimer', token)
local now = now_ms()
redis.call('ZADD', key.leases(engine), now + lease_ms, hint)
return {tonumber(attempt), affinity, tonumber(since), now}
