-- Tells when this Redis was first seen, another time after it was wiped; and what time it is.
-- keys: epoch
-- args: none
-- result: {ms, ms of now}
-- includes: clock

redis.call('SET', key.epoch(), now_ms(), 'NX')
return {tonumber(redis.call('GET', key.epoch())), now_ms()}
