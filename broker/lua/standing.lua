-- Tells where hints are.
-- keys: ticket(hint); backlog, courses(lane), line(lane and course); engines, workers, health,
--   service(engine)
-- args: hint, …
-- result: {{hint, place, position or 0, eta_s or false, engine or false}, …} of the known ones
-- includes: line

local place_of, pace, found = places(), nil, {}
for _, hint in ipairs(ARGV) do
  local place, engine = unpack(redis.call('HMGET', key.ticket(hint), 'place', 'engine'))
  if place then
    local position, lane = place_of(hint)
    if position > 0 and pace == nil then pace = pace_s(now_ms()) end
    found[#found + 1] = {hint, place, position, eta_s(position, lane, pace), engine}
  end
end
return found
