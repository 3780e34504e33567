-- Lets one hint, the canary, try an engine that is down.
-- keys: health(engine)
-- args: engine
-- result: 1 if it was down, else 0
-- includes: clock

local health = key.health(ARGV[1])
if redis.call('HGET', health, 'state') ~= 'down' then return 0 end
redis.call('HSET', health, 'state', 'probing', 'since_ms', now_ms())
return 1
