-- Tells where hints are.
-- keys: ticket(hint), backlog, engines, workers(engine), service(engine)
-- args: hint, …
-- result: {{hint, place, position or 0, eta_s or false, engine or false}, …} of the known ones
-- includes: fleet, line

local pace, found = pace_s(now_ms()), {}
for _, hint in ipairs(ARGV) do
  local place, engine = unpack(redis.call('HMGET', key.ticket(hint), 'place', 'engine'))
  if place then
    local rank, eta = position(hint, pace)
    found[#found + 1] = {hint, place, rank, eta, engine}
  end
end
return found
