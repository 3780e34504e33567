-- Takes an engine down that is not down; on a soft sign not the last one that is up.
-- keys: health, warm, leases(engine), engines, workers
-- args: engine, why, 1 for a soft sign
-- result: 1 if this took it down, else 0
-- includes: health

local engine, why, soft = unpack(ARGV)
local state, now = redis.call('HGET', key.health(engine), 'state') or 'up', now_ms()
if state == 'down' then return 0 end
if soft == '1' and state == 'up' and not another_is_up(engine, now) then return 0 end
eject(engine, why, now)
return 1
