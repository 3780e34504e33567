-- Lets a user run a program, unless an earlier run goes on or too many have begun of late.
-- keys: run(user), runs(user)
-- args: user, token of the run, hold_ms, most runs in window_ms (0: any number), window_ms
-- result: {'begun', 0}; {'running', 0}; {'many', ms until one more may begin}
-- includes: clock

local user, token, hold_ms, most, window_ms = unpack(ARGV)
local run, runs, now = key.run(user), key.runs(user), now_ms()
local holder = redis.call('GET', run)
if holder == token then return {'begun', 0} end
if holder then return {'running', 0} end
if tonumber(most) > 0 then
  redis.call('ZREMRANGEBYSCORE', runs, '-inf', now - window_ms)
  if redis.call('ZCARD', runs) >= tonumber(most) then
    local oldest = redis.call('ZRANGE', runs, 0, 0, 'WITHSCORES')
    return {'many', oldest[2] + window_ms - now}
  end
  redis.call('ZADD', runs, now, token)
  redis.call('PEXPIRE', runs, window_ms)
end
-- It ends by itself, so that a web process that is killed frees its user.
redis.call('SET', run, token, 'PX', hold_ms)
return {'begun', 0}
