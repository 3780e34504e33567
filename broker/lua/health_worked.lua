-- Takes an engine up whose canary came back; of any other engine it changes nothing.
-- keys: health(engine)
-- args: engine, limit to start with if it has one
-- result: 1 if this took it up, else 0
-- includes: clock

local engine, start = ARGV[1], tonumber(ARGV[2])
local health = key.health(engine)
local state, limit, good = unpack(redis.call('HMGET', health, 'state', 'limit', 'good'))
if state ~= 'probing' then return 0 end
redis.call('HSET', health, 'state', 'up', 'why', '', 'since_ms', now_ms())
if limit then redis.call('HSET', health, 'limit', math.min(start, tonumber(good) or start)) end
return 1
