-- The backlog, and the ways into and out of it. Needs fleet.

-- A scan sees only the oldest SCAN hints, so that a call stays short: if all of those exclude
-- the engine, it finds none.
local SCAN, PAGE = 1024, 64

-- The oldest waiting hints that may go to the engine, at most count.
local function eligible(engine, count)
  local found = {}
  for first = 0, SCAN - PAGE, PAGE do
    local page = redis.call('ZRANGE', key.backlog(), first, first + PAGE - 1)
    for _, hint in ipairs(page) do
      if #found >= count then return found end
      if redis.call('HEXISTS', key.ticket(hint), 'not:' .. engine) == 0 then
        found[#found + 1] = hint
      end
    end
    if #page < PAGE then break end
  end
  return found
end

-- Gives the hint a slot of the engine and the next attempt number, which is returned.
local function grant(hint, engine, now, grant_ms)
  local ticket = key.ticket(hint)
  local attempt = redis.call('HINCRBY', ticket, 'attempt', 1)
  redis.call('HSET', ticket, 'place', 'granted', 'engine', engine)
  redis.call('HDEL', ticket, 'claimer')
  redis.call('ZREM', key.backlog(), hint)
  redis.call('ZADD', key.leases(engine), now + grant_ms, hint)
  redis.call('SADD', key.known(), engine)
  return attempt
end

-- Grants the engine's free slots to the oldest hints; returns {hint, attempt} of each.
local function pull(engine, grant_ms)
  local now = now_ms()
  local grants = {}
  for _, hint in ipairs(eligible(engine, live_slots(engine, now) - in_flight(engine))) do
    grants[#grants + 1] = {hint, grant(hint, engine, now, grant_ms)}
  end
  return grants
end

-- Whether this attempt of the hint has a slot, of any engine or of the given one.
local function has_slot(hint, attempt, engine)
  local place, at, own = unpack(redis.call('HMGET', key.ticket(hint), 'place', 'attempt', 'engine'))
  return place and place ~= 'waiting' and tonumber(at) == attempt and (not engine or own == engine)
end

-- Puts a hint that has a slot back into the backlog, in the order of first asking.
local function back_to_line(hint)
  local ticket = key.ticket(hint)
  local engine, since = unpack(redis.call('HMGET', ticket, 'engine', 'since_ms'))
  redis.call('ZREM', key.leases(engine), hint)
  redis.call('HSET', ticket, 'place', 'waiting')
  redis.call('HDEL', ticket, 'engine', 'claimer')
  redis.call('ZADD', key.backlog(), since, hint)
end

-- Seconds between two hints leaving the whole fleet, false while that is unknown.
local function pace_s(now)
  local slots, timed_slots, slot_ms = 0, 0, 0
  for _, engine in ipairs(redis.call('HKEYS', key.engines())) do
    local live, service = live_slots(engine, now), redis.call('GET', key.service(engine))
    slots = slots + live
    if service then
      timed_slots = timed_slots + live
      slot_ms = slot_ms + live * service
    end
  end
  if timed_slots == 0 then return false end
  return slot_ms / timed_slots / slots / 1000
end

-- Position from 1 and seconds to wait of a waiting hint; 0 and false of any other.
local function position(hint, pace)
  local rank = redis.call('ZRANK', key.backlog(), hint)
  if not rank then return 0, false end
  return rank + 1, pace and math.ceil((rank + 1) * pace)
end
