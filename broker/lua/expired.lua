-- Finds the leases whose time is over; changes nothing.
-- keys: known, leases(engine), ticket(hint)
-- args: none
-- result: {{hint, engine, attempt, phase, attempts lost with this one}, …}, at most 1,000 of an
--   engine
-- includes: clock, lost

local now, found = now_ms(), {}
for _, engine in ipairs(redis.call('SMEMBERS', key.known())) do
  local late = redis.call('ZRANGE', key.leases(engine), '-inf', now, 'BYSCORE', 'LIMIT', 0, 1000)
  for _, hint in ipairs(late) do
    local attempt, phase = unpack(redis.call('HMGET', key.ticket(hint), 'attempt', 'phase'))
    found[#found + 1] = {hint, engine, attempt, phase, lost(hint) + silent(hint, engine)}
  end
end
return found
