-- Tells which attempts may not write any more; changes nothing.
-- keys: tip(hint)
-- args: hint, attempt of each
-- result: {{hint}, …}
-- includes: stream

local found = {}
for i = 1, #ARGV, 2 do
  if shut(ARGV[i], tonumber(ARGV[i + 1])) then found[#found + 1] = {ARGV[i]} end
end
return found
