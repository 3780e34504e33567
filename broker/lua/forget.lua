-- Takes a hint out of wherever it is.
-- keys: ticket(hint), leases(engine), student; backlog, courses(lane), line, rounds
-- args: hint, 1 to leave a claimed hint to its worker
-- result: {place it had or false, engine whose slot is free now or false}
-- includes: place

local hint, spare = ARGV[1], ARGV[2] == '1'
local place, engine = unpack(redis.call('HMGET', key.ticket(hint), 'place', 'engine'))
if not place or (place == 'claimed' and spare) then return {place, false} end
leave(hint, false)
free_slot(hint)
redis.call('DEL', key.ticket(hint))
return {place, engine}
