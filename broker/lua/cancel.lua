-- Ends a hint that its student takes back: closes its stream, takes it out of wherever it is, and
-- pulls for the engine whose slot is free now. A claimed hint is left to its worker to settle.
-- keys: ticket, stream, tip(hint), and those of pull
-- args: hint, attempt, ttl_s of the stream, owner, final status, data of DONE, grant_ms,
--   aged_ms, doorbell
-- result: {1 or 0 if it was closed already, phase it had or false, engine with a free slot or
--   false, {{hint, attempt}, …} granted to that engine}
-- includes: placement, stream

local hint, attempt, ttl_s, owner, status, data, grant_ms, aged_ms, doorbell = unpack(ARGV)
local first = close(hint, tonumber(attempt), ttl_s, owner, status, data)
local phase, engine = redis.call('HGET', key.ticket(hint), 'phase'), false
if phase and phase ~= 'claimed' then engine = forget(hint) end
return {first, phase, engine, engine and pull(engine, grant_ms, aged_ms, doorbell) or {}}
