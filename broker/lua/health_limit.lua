-- Sets how many hints an engine may have in flight, unless it went down since that was reckoned.
-- keys: health(engine)
-- args: engine, its ejections when that was reckoned, limit, good or ''
-- result: nothing

local engine, ejections, limit, good = unpack(ARGV)
local health = key.health(engine)
local state, at = unpack(redis.call('HMGET', health, 'state', 'ejections'))
if (state or 'up') == 'up' and (at or '0') == ejections then
  redis.call('HSET', health, 'limit', limit, 'good', good)
end
