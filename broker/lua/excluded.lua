-- Tells which engines hints may not go to again; changes nothing.
-- keys: ticket(hint)
-- args: hint, …
-- result: {{hint, engine, …}, …} of those that exclude any

local found = {}
for _, hint in ipairs(ARGV) do
  local engines = {hint}
  for _, field in ipairs(redis.call('HKEYS', key.ticket(hint))) do
    engines[#engines + 1] = field:match('^not:(.+)$')
  end
  if #engines > 1 then found[#found + 1] = engines end
end
return found
