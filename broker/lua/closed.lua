-- Tells which attempts may not write any more; changes nothing.
-- keys: tip, ticket(hint)
-- args: hint, attempt of each
-- result: {{hint}, …}
-- includes: stream, ahead

-- A diagnosis has no stream that could be closed: its attempt is over when it has lost the slot.
local function lost(job, attempt)
  local phase, at = unpack(redis.call('HMGET', key.ticket(job), 'phase', 'attempt'))
  return phase ~= 'claimed' or at ~= attempt
end

local found = {}
for i = 1, #ARGV, 2 do
  local over = runs_ahead(ARGV[i]) and lost or shut
  if over(ARGV[i], ARGV[i + 1]) then found[#found + 1] = {ARGV[i]} end
end
return found
