-- Ends a hint with its attempt, if the attempt still has the slot, and pulls for the engine.
-- keys: ticket(hint), leases, service(engine), and those of pull
-- args: engine, grant_ms, aged_ms, doorbell, hint, attempt, service_ms or ''
-- result: {{hint, attempt}, …} granted to the engine
-- includes: placement

local engine, grant_ms, aged_ms, doorbell, hint, attempt, service_ms = unpack(ARGV)
if has_slot(hint, tonumber(attempt), engine) then
  free_slot(hint)
  redis.call('DEL', key.ticket(hint))
  if service_ms ~= '' then
    -- A moving mean over about the last ten hints: an engine's speed changes with its load.
    local mean = redis.call('GET', key.service(engine)) or service_ms
    redis.call('SET', key.service(engine), mean + 0.1 * (service_ms - mean))
  end
end
return pull(engine, grant_ms, aged_ms, doorbell)
