-- Takes an engine up whose canary came back; one that limits its rate may have a little more.
-- keys: health(engine), engines
-- args: engine, limit to start with if it has one
-- result: 1 if this took it up, else 0
-- includes: fleet

local engine, start = ARGV[1], tonumber(ARGV[2])
local health = key.health(engine)
local state, limit, good, allowance =
  unpack(redis.call('HMGET', health, 'state', 'limit', 'good', 'allowance'))
if allowance and paused_ms(engine, now_ms()) == 0 then
  -- One more at once after as many answers as it may have at once.
  allowance = allowance + 1 / allowance
  redis.call('HDEL', health, 'pauses')
  if allowance < max_slots(engine) then
    redis.call('HSET', health, 'allowance', allowance)
  else
    redis.call('HDEL', health, 'allowance')
  end
end
if state ~= 'probing' then return 0 end
redis.call('HSET', health, 'state', 'up', 'why', '', 'since_ms', now_ms())
if limit then redis.call('HSET', health, 'limit', math.min(start, tonumber(good) or start)) end
return 1
