-- Shows a hint in flight: where it stands, and the words that its watchers have been told.
-- keys: tip, stream, ticket(hint); backlog, courses(lane), course_backlog(lane and course);
--   engines, workers, health, service(engine)
-- args: hint, mark of what the reader has, or ''
-- result: {mark, owner or '', 1 if it is over or else 0, queue_position or false, eta_s or false,
--   {data of each piece since the last reset, …}, none if the reader has it}
-- includes: backlog

local hint, seen = unpack(ARGV)
local status, attempt, seq, closed, owner = unpack(redis.call('HMGET', key.tip(hint),
  'status', 'attempt', 'seq', 'closed', 'owner'))
local phase, student = unpack(redis.call('HMGET', key.ticket(hint), 'phase', 'student'))
local queue_position, eta, pieces = false, false, {}
if phase then
  local lane
  queue_position, lane = positions()(hint)
  eta = queue_position > 0 and eta_s(queue_position, lane, pace_s(now_ms()))
end
local mark = table.concat({status or 'queued', attempt or 0, seq or 0, queue_position or ''}, '-')
if mark ~= seen then
  for _, entry in ipairs(redis.call('XRANGE', key.stream(hint), '-', '+')) do
    local kind, data = entry[2][2], entry[2][4]
    if kind == 'reset' then pieces = {} end
    if kind == 'piece' then pieces[#pieces + 1] = data end
  end
end
return {mark, owner or student or '', closed and 1 or 0, queue_position, eta, pieces}
