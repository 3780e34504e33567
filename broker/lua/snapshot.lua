-- Tells how busy every engine is.
-- keys: known, engines, workers(engine), health(engine), leases(engine), ahead(engine)
-- args: none
-- result: {{engine, slots, most slots, in flight, limit, paused ms, diagnoses in
--   flight, 1 if it stands by or else 0, worker, slots, …}, …}
-- includes: fleet

local now, found = now_ms(), {}
local stands_by = tiers(now).stands_by
for _, engine in ipairs(redis.call('SMEMBERS', key.known())) do
  local load = {
    engine, live_slots(engine, now), max_slots(engine), in_flight(engine), limit(engine, now),
    paused_ms(engine, now), in_flight_ahead(engine),
    stands_by[engine] and 1 or 0,
  }
  live_workers(engine, now, function(worker, slots)
    load[#load + 1] = worker
    load[#load + 1] = slots
  end)
  found[#found + 1] = load
end
return found
