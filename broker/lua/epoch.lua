-- Tells when this Redis was first seen; it has another value after it was wiped.
-- keys: epoch
-- args: none
-- result: ms
-- includes: clock

redis.call('SET', key.epoch(), now_ms(), 'NX')
return tonumber(redis.call('GET', key.epoch()))
