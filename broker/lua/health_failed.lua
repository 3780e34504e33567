-- Counts a failure of an engine; several at once, or one of its canary, take it down.
-- keys: health, warm, leases, workers(engine), engines
-- args: engine, kind of failure, token of this report, ms since the attempt began, how many
--   failures within how many ms take it down
-- result: 1 if this took it down, else 0
-- includes: health

local engine, kind, token, ran_ms, threshold, within_ms = unpack(ARGV)
local health, now = key.health(engine), now_ms()
local state, since, failures, limit =
  unpack(redis.call('HMGET', health, 'state', 'since_ms', 'failures', 'limit'))

-- An attempt that began before the state changed tells of the engine as it was then.
if state == 'down' or now - ran_ms < tonumber(since or 0) then return 0 end
if state == 'probing' then
  eject(engine, 'canary', now)
  return 1
end
if kind == 'busy' and limit then
  -- It lives and says so: the limit answers this, not the breaker.
  redis.call('HINCRBY', health, 'busy', 1)
  return 0
end

local recent, all, hard = {}, 0, 0
local function note(at, sign, id)
  recent[#recent + 1] = at .. ':' .. sign .. ':' .. id
  all = all + 1
  if sign == 'unreachable' then hard = hard + 1 end
end
for at, sign, id in (failures or ''):gmatch('(%d+):(%l+):(%w+)') do
  if id == token then return 0 end
  if tonumber(at) > now - within_ms then note(at, sign, id) end
end
note(now, kind, token)
if (another_is_up(engine, now) and all or hard) >= tonumber(threshold) then
  eject(engine, 'failures', now)
  return 1
end
redis.call('HSET', health, 'failures', table.concat(recent, ' '))
return 0
