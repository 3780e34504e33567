-- Tells how many hints wait in each lane, and since when.
-- keys: backlog(lane); waiting_ahead; engines, workers, health, service(engine)
-- args: none
-- result: {seconds until a new hint has a slot or false, how many diagnoses wait in the batch lane,
--   {lane, how many, ms that the oldest has waited, or 0}, …}
-- includes: backlog

local now, found = now_ms(), {}
for _, lane in ipairs(LANES) do
  local backlog = key.backlog(lane)
  local first = redis.call('ZRANGE', backlog, 0, 0, 'WITHSCORES')
  local waited = first[2] and math.max(0, now - first[2]) or 0
  found[#found + 1] = {lane, redis.call('ZCARD', backlog), waited}
end
local queue_position = redis.call('ZCARD', key.backlog('interactive')) + 1
local ahead = redis.call('SCARD', key.waiting_ahead())
return {eta_s(queue_position, 'interactive', pace_s(now)), ahead, unpack(found)}
