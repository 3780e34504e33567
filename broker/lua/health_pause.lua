-- Pauses an engine that limits its rate, and lets it have fewer hints at once afterwards.
-- keys: health, leases(engine), engines, workers
-- args: engine, ms to pause or '' for a pause that grows, first ms of it, most ms, factor of
--   what it may have at once, ms since the attempt began, most ms that hints wait for it where
--   another engine stands in
-- result: ms until it is asked again
-- includes: fleet

local engine, pause_ms, first_ms, most_ms, factor, ran_ms, short_ms = unpack(ARGV)
local health, now = key.health(engine), now_ms()
local paused_at, pauses, allowance =
  unpack(redis.call('HMGET', health, 'paused_at_ms', 'pauses', 'allowance'))

-- An attempt from before the last pause met the same limit as the one that caused that pause: it
-- makes neither the pause longer nor the allowance smaller a second time.
local news = now - ran_ms >= tonumber(paused_at or 0)
pauses = tonumber(pauses or 0)
if news then
  local had = tonumber(allowance or math.max(1, redis.call('ZCARD', key.leases(engine))))
  redis.call('HSET', health, 'paused_at_ms', now, 'pauses', pauses + 1,
    'allowance', math.max(1, had * factor))
end
if pause_ms == '' then
  pause_ms = news and first_ms * 2 ^ math.min(pauses, 30) or 0
end
local till = math.max(now + math.min(pause_ms, most_ms), now + paused_ms(engine, now))
redis.call('HSET', health, 'paused_ms', string.format('%.0f', till))
if till - now > tonumber(short_ms) then
  redis.call('HSET', health, 'away_ms', string.format('%.0f', till))
end
return till - now
