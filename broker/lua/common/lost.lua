-- Attempts at a hint that died or broke by no fault of an engine: the hint may be the cause.

local function lost(hint)
  return tonumber(redis.call('HGET', key.ticket(hint), 'lost') or 0)
end

-- 1 if the lease is a claim that nobody renewed, which is not counted yet; else 0. A lease that was
-- called in has the score 0: its engine went down, or its worker died and that is counted.
local function silent(hint, engine)
  local phase, own = unpack(redis.call('HMGET', key.ticket(hint), 'phase', 'engine'))
  if phase ~= 'claimed' or own ~= engine then return 0 end
  return redis.call('ZSCORE', key.leases(engine), hint) ~= '0' and 1 or 0
end

local function count_lost(hint)
  redis.call('HINCRBY', key.ticket(hint), 'lost', 1)
end

-- The claim is over, and not to be renewed; the attempt is lost.
local function call_in(hint, engine)
  if silent(hint, engine) == 1 then count_lost(hint) end
  redis.call('ZADD', key.leases(engine), 0, hint)
end
