-- Takes a hint out of wherever it is.
-- keys: ticket(hint), backlog, leases(engine)
-- args: hint, 1 to leave a claimed hint to its worker
-- result: {place it had or false, engine whose slot is free now or false}

local hint, spare = ARGV[1], ARGV[2] == '1'
local place, engine = unpack(redis.call('HMGET', key.ticket(hint), 'place', 'engine'))
if not place or (place == 'claimed' and spare) then return {place, false} end
redis.call('ZREM', key.backlog(), hint)
if engine then redis.call('ZREM', key.leases(engine), hint) end
redis.call('DEL', key.ticket(hint))
return {place, engine}
