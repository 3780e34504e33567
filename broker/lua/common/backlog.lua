-- The backlog, the hints that wait: three lanes, each with a fair order of its own.
--
-- Courses of a lane take turns: each has the number of its next turn, which grows by one with
-- each grant, and is never behind the round of turns that is served now. A course that is served
-- early, for the sake of a cache, comes later again, but never by more than DEBT turns.
--
-- In a course, students go round by round: a hint's round is fixed when it joins, one after its
-- student's last, never before the round that is served now. The served round grows by a hint's
-- share of a round with each grant (weighted fair queueing), so that newcomers cannot keep a
-- student's second hint waiting for ever. In a round, the hint that was asked for first goes first.
--
-- So a hint's position is its rank in its course and a sum over courses.
-- includes: fleet

local LANES = {'retry', 'interactive', 'batch'}
-- Courses looked at, each of which has a hint; about as many hints are read at a time of them all.
local COURSES = 128
local DEBT = 8
-- Field of the rounds for the round that is served now: no student has this name.
local SERVED = ''

-- Hints of a course by round; then by since_ms, which the name begins with.
local function member(hint, since)
  return string.format('%015d:%s', since, hint)
end

local function lane_of(backlog)
  return backlog:match('^(%l+):(.*)$')
end

-- '<lane>:<course>' in which a hint waits; one that had a slot before goes into the lane of
-- retries, which is one course.
local function backlog_of(lane, course, attempt)
  if lane == 'batch' then return 'batch:' .. course end
  return attempt > 0 and 'retry:' or 'interactive:' .. course
end

local function backlog_size()
  local count = 0
  for _, lane in ipairs(LANES) do count = count + redis.call('ZCARD', key.backlog(lane)) end
  return count
end

-- A number as text, without loss.
local function exact(number)
  return string.format('%.17g', number)
end

-- The round of turns that is served now.
local function now_served(lane)
  return math.floor(redis.call('ZRANGE', key.courses(lane), 0, 0, 'WITHSCORES')[2] or 0)
end

local function join_turns(lane, course, since)
  -- The fraction tells courses of one round apart: the one that was asked first goes first.
  local turn = now_served(lane) + since % 2^24 / 2^24
  local next = redis.call('HGET', key.turns(lane), course) or 0
  redis.call('ZADD', key.courses(lane), exact(math.max(turn, next)), course)
end

local function had_turn(lane, course)
  local turn = redis.call('ZSCORE', key.courses(lane), course)
  local latest = now_served(lane) + DEBT + turn % 1
  redis.call('ZADD', key.courses(lane), exact(math.min(turn + 1, latest)), course)
end

-- Takes a course out that has no hint left; its next turn counts as long as others wait.
local function leave_turns(lane, course)
  local courses, turns = key.courses(lane), key.turns(lane)
  redis.call('HSET', turns, course, redis.call('ZSCORE', courses, course))
  redis.call('ZREM', courses, course)
  if redis.call('EXISTS', courses) == 0 then redis.call('DEL', turns) end
end

-- Puts a hint into the backlog; its ticket has lane, course, student, attempt and since_ms.
local function enter(hint)
  local ticket = key.ticket(hint)
  local lane, course, student, attempt, since = unpack(
    redis.call('HMGET', ticket, 'lane', 'course', 'student', 'attempt', 'since_ms'))
  attempt = tonumber(attempt)
  local name = backlog_of(lane, course, attempt)
  local backlog, rounds = key.course_backlog(name), key.rounds(name)
  lane, course = lane_of(name)
  if redis.call('EXISTS', backlog) == 0 then join_turns(lane, course, since) end
  local round = 0
  -- A hint that comes back has had its round: it goes before all that have not.
  if attempt == 0 then
    local served, last = unpack(redis.call('HMGET', rounds, SERVED, student))
    round = math.max(served or 0, last and last + 1 or 0)
    redis.call('HSET', rounds, student, exact(round))
  end
  redis.call('ZADD', backlog, exact(round), member(hint, since))
  redis.call('ZADD', key.backlog(lane), since, hint)
  if runs_ahead(hint) then redis.call('SADD', key.waiting_ahead(), hint) end
  redis.call('HSET', ticket, 'phase', 'waiting', 'backlog', name)
end

-- Moves the round that is served on, after one of `count` hints has had a slot.
local function count_served(backlog, rounds, count)
  local round = (redis.call('HGET', rounds, SERVED) or 0) + 1 / count
  local head = redis.call('ZRANGE', backlog, 0, 0, 'WITHSCORES')[2]
  redis.call('HSET', rounds, SERVED, exact(math.max(round, head)))
end

-- Takes a hint out of the backlog, if it is there. served: it gets a slot, so that its course has
-- had a turn and its student a round; else its round, if its student's last, is free again.
local function leave(hint, served)
  local name, since, student =
    unpack(redis.call('HMGET', key.ticket(hint), 'backlog', 'since_ms', 'student'))
  if not name then return end
  local backlog, rounds = key.course_backlog(name), key.rounds(name)
  local lane, course = lane_of(name)
  local round = redis.call('ZSCORE', backlog, member(hint, since))
  local count = redis.call('ZCARD', backlog)
  redis.call('ZREM', backlog, member(hint, since))
  redis.call('ZREM', key.backlog(lane), hint)
  if runs_ahead(hint) then redis.call('SREM', key.waiting_ahead(), hint) end
  redis.call('HDEL', key.ticket(hint), 'backlog')
  if served then had_turn(lane, course) end
  if count == 1 then
    leave_turns(lane, course)
    redis.call('DEL', rounds)
  elseif served then
    count_served(backlog, rounds, count)
  elseif student and tonumber(redis.call('HGET', rounds, student) or -1) == tonumber(round) then
    redis.call('HSET', rounds, student, exact(round - 1))
  end
end

local function earlier(one, other)
  if one.turn ~= other.turn then return one.turn < other.turn end
  return one.course < other.course
end

-- Courses of a lane in the order of their next turns.
local function turns(lane, count)
  local flat = redis.call('ZRANGE', key.courses(lane), 0, count - 1, 'WITHSCORES')
  local found = {}
  for i = 1, #flat, 2 do
    found[#found + 1] = {course = flat[i], turn = tonumber(flat[i + 1]), read = 0}
  end
  return found
end

-- Returns a function that gives one hint of the lane after the other, in the fair order.
local function walk(lane)
  local order = turns(lane, COURSES)
  local page = math.max(4, math.ceil(COURSES / #order))
  return function()
    while order[1] do
      local next = table.remove(order, 1)
      local at = next.read % page
      if at == 0 then
        local backlog = key.course_backlog(lane .. ':' .. next.course)
        next.page = redis.call('ZRANGE', backlog, next.read, next.read + page - 1)
      end
      if next.page[at + 1] then
        next.read, next.turn = next.read + 1, next.turn + 1
        local i = #order
        while i > 0 and earlier(next, order[i]) do i = i - 1 end
        table.insert(order, i + 1, next)
        return next.page[at + 1]:sub(17)
      end
    end
  end
end

-- Returns a function that tells the position of a waiting hint in its lane, from 1; 0 of any other.
local function positions()
  local lanes = {}
  return function(hint)
    local name, since = unpack(redis.call('HMGET', key.ticket(hint), 'backlog', 'since_ms'))
    if not name then return 0 end
    local lane, course = lane_of(name)
    if not lanes[lane] then
      lanes[lane] = turns(lane, 0)
      for _, one in ipairs(lanes[lane]) do
        one.size = redis.call('ZCARD', key.course_backlog(lane .. ':' .. one.course))
      end
    end
    local before = redis.call('ZRANK', key.course_backlog(name), member(hint, since))
    local turn = redis.call('ZSCORE', key.courses(lane), course) + before
    for _, one in ipairs(lanes[lane]) do
      if one.course ~= course then
        local turns_before = math.ceil(turn - one.turn)
        local tie = one.turn + turns_before == turn
        if tie and one.course < course then turns_before = turns_before + 1 end
        before = before + math.max(0, math.min(one.size, turns_before))
      end
    end
    return before + 1, lane
  end
end

-- Seconds between two hints leaving the whole fleet, false while that is unknown.
local function pace_s(now)
  local fleet, slots, timed_slots, slot_ms = tiers(now), 0, 0, 0
  for _, engine in ipairs(fleet.names) do
    local most = fleet.stands_by[engine] and 0 or limit(engine, now)
    local service = redis.call('GET', key.service(engine))
    slots = slots + most
    if service then
      timed_slots = timed_slots + most
      slot_ms = slot_ms + most * service
    end
  end
  if timed_slots == 0 then return false end
  return slot_ms / timed_slots / slots / 1000
end

-- Seconds until the hint at this position of its lane has a slot; false if that is unknown.
local function eta_s(queue_position, lane, pace)
  if queue_position == 0 or not pace or lane == 'batch' then return false end
  local before = lane == 'interactive' and redis.call('ZCARD', key.backlog('retry')) or 0
  return math.ceil((before + queue_position) * pace)
end
