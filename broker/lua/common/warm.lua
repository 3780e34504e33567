-- Which prefixes an engine should have in its cache, by last use. Their lengths are in the names.

-- How many prefixes are kept track of: with a cache of unknown size, and at most with any.
local UNKNOWN, MOST = 256, 2048
-- Tokens of a hint in flight beside its prefix: the student's code, and the answer.
local OWN_TOKENS = 700

local function is_warm(engine, prefix, tokens)
  return redis.call('ZSCORE', key.warm(engine), tokens .. ':' .. prefix) and true
end

-- Notes that the engine reads the prefix now, and what its cache has no more room for then.
local function use(engine, prefix, tokens, now)
  local warm = key.warm(engine)
  if redis.call('ZADD', warm, now, tokens .. ':' .. prefix) == 0 then return end
  local room = redis.call('HGET', key.health(engine), 'kv_tokens')
  if not room then
    redis.call('ZREMRANGEBYRANK', warm, 0, -UNKNOWN - 1)
    return
  end
  room = room - OWN_TOKENS * redis.call('ZCARD', key.leases(engine))
  for rank, member in ipairs(redis.call('ZRANGE', warm, 0, -1, 'REV')) do
    room = room - member:match('^%d+')
    if rank > 1 and (room < 0 or rank > MOST) then redis.call('ZREM', warm, member) end
  end
end
