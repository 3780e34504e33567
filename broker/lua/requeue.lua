-- Ends an attempt but not its hint, if the attempt still has the slot, and pulls for the engine.
-- keys: ticket, stream, tip(hint), and those of pull
-- args: engine, grant_ms, aged_ms, doorbell, hint, attempt, 1 to exclude the engine for this
--   hint, ttl_s of the stream
-- result: {{hint, attempt}, …} granted to the engine
-- includes: placement, stream

local engine, grant_ms, aged_ms, doorbell, hint, attempt, exclude, ttl_s = unpack(ARGV)
attempt = tonumber(attempt)
if has_slot(hint, attempt, engine) then
  if exclude == '1' then redis.call('HSET', key.ticket(hint), 'not:' .. engine, 1) end
  requeue(hint)
  fence(hint, attempt, ttl_s)
end
return pull(engine, grant_ms, aged_ms, doorbell)
