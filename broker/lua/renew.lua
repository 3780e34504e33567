-- Extends claimed leases, takes in hints that Redis forgot, and names those that are lost.
-- keys: ticket(hint), leases(engine), known, tip(hint)
-- args: engine, lease_ms, ttl_s of the stream, then hint, attempt of each
-- result: {hint, …} that belong to another attempt or engine, or are over
-- includes: clock, stream, ahead

local engine, lease_ms, ttl_s = ARGV[1], ARGV[2], ARGV[3]
local now, lost = now_ms(), {}
for i = 4, #ARGV, 2 do
  local hint, attempt = ARGV[i], tonumber(ARGV[i + 1])
  local ticket = key.ticket(hint)
  local phase, own, at = unpack(redis.call('HMGET', ticket, 'phase', 'engine', 'attempt'))
  local ours = phase == 'claimed' and own == engine and tonumber(at) == attempt
  -- A diagnosis is not worth it: the worker lets it go, and it waits again.
  if not phase and not runs_ahead(hint) and not shut(hint, attempt) then
    -- Redis has also forgotten when the hint was asked for: its wait counts from now.
    redis.call('HSET', ticket, 'phase', 'claimed', 'engine', engine, 'attempt', attempt,
      'since_ms', now)
    redis.call('SADD', key.known(), engine)
    -- Nor does Redis know any more that earlier attempts may not write.
    redis.call('HSET', key.tip(hint), 'fence', attempt - 1)
    redis.call('EXPIRE', key.tip(hint), ttl_s)
    ours = true
  end
  if not ours then
    lost[#lost + 1] = hint
  elseif redis.call('ZSCORE', key.leases(engine), hint) ~= '0' then
    redis.call('ZADD', key.leases(engine), now + lease_ms, hint)
  end -- A lease at 0 was called in: rescue is about to take the hint.
end
return lost
