-- Tells where hints are.
-- keys: ticket(hint); backlog, courses(lane), course_backlog(lane and course); engines, workers,
--   health, service(engine)
-- args: hint, …
-- result: {{hint, phase, queue_position or 0, eta_s or false, engine or false}, …} of known hints
-- includes: backlog

local position_of, pace, found = positions(), nil, {}
for _, hint in ipairs(ARGV) do
  local phase, engine = unpack(redis.call('HMGET', key.ticket(hint), 'phase', 'engine'))
  if phase then
    local queue_position, lane = position_of(hint)
    if queue_position > 0 and pace == nil then pace = pace_s(now_ms()) end
    found[#found + 1] = {hint, phase, queue_position, eta_s(queue_position, lane, pace), engine}
  end
end
return found
