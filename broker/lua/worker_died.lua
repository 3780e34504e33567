-- Forgets a worker that is dead, and calls in the leases it had claimed, so that rescue takes the
-- hints back, the row first. Its engine's grants that nobody claimed are for the other workers.
-- keys: workers, leases(engine), ticket(hint)
-- args: engine, worker
-- result: {hint, …} called in
-- includes: lost

local engine, worker = unpack(ARGV)
local leases, found = key.leases(engine), {}
redis.call('HDEL', key.workers(engine), worker)
for _, hint in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
  local phase, claimer = unpack(redis.call('HMGET', key.ticket(hint), 'phase', 'claimer'))
  if phase == 'claimed' and claimer and claimer:match('^%S+') == worker then
    call_in(hint, engine)
    found[#found + 1] = hint
  end
end
return found
