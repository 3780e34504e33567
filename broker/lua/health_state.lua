-- Tells how every engine is.
-- keys: known, health, reading(engine)
-- args: none
-- result: {{engine, now in ms, {name, value, … of its health}, its reading as JSON or nil}, …}
-- includes: clock

local now, found = now_ms(), {}
for _, engine in ipairs(redis.call('SMEMBERS', key.known())) do
  found[#found + 1] = {
    engine, now, redis.call('HGETALL', key.health(engine)),
    redis.call('GET', key.reading(engine)),
  }
end
return found
