-- Notes what the metrics of an engine say.
-- keys: reading, health(engine)
-- args: engine, ttl_s, size of its cache in tokens or '', what they say as JSON
-- result: nothing

local engine, ttl_s, kv_tokens, told = unpack(ARGV)
redis.call('SET', key.reading(engine), told, 'EX', ttl_s)
if kv_tokens ~= '' then redis.call('HSET', key.health(engine), 'kv_tokens', kv_tokens) end
