-- Tells how busy every engine is.
-- keys: known, engines, workers(engine), health(engine), leases(engine), ahead(engine)
-- args: none
-- result: {{engine, slots, most slots, in flight, limit, paused ms, diagnoses in
--   flight, worker, slots, …}, …}
-- includes: fleet

local now, found = now_ms(), {}
for _, engine in ipairs(redis.call('SMEMBERS', key.known())) do
  local load = {
    engine, live_slots(engine, now), max_slots(engine), in_flight(engine), limit(engine, now),
    paused_ms(engine, now), in_flight_ahead(engine),
  }
  live_workers(engine, now, function(worker, slots)
    load[#load + 1] = worker
    load[#load + 1] = slots
  end)
  found[#found + 1] = load
end
return found
