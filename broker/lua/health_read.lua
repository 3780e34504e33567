-- Notes what the metrics of an engine say.
-- keys: reading, health(engine)
-- args: engine, ttl_s, size of its cache in tokens or '', then name, value of each field
-- result: nothing
-- includes: clock

local engine, ttl_s, kv_tokens = unpack(ARGV, 1, 3)
redis.call('HSET', key.reading(engine), 'at_ms', now_ms(), 'kv_tokens', kv_tokens, unpack(ARGV, 4))
redis.call('EXPIRE', key.reading(engine), ttl_s)
if kv_tokens ~= '' then redis.call('HSET', key.health(engine), 'kv_tokens', kv_tokens) end
