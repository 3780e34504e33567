-- A hint's event stream and its tip.

-- Adds one event and tells those who listen; the caller has checked that the attempt may write.
local function add_event(hint, attempt, seq, kind, data)
  local stream, id = key.stream(hint), attempt .. '-' .. seq
  -- A hint has at most a few hundred events; the length only bounds a worker gone wrong.
  redis.call('XADD', stream, 'MAXLEN', '~', 4000, id, 'kind', kind, 'data', data)
  redis.call('PUBLISH', stream, id .. '\n' .. kind .. '\n' .. data)
end

-- Notes the newest event; status and owner stay as they are when empty.
local function set_tip(hint, attempt, seq, status, owner, ttl_s)
  local tip = key.tip(hint)
  redis.call('HSET', tip, 'attempt', attempt, 'seq', seq)
  if status ~= '' then redis.call('HSET', tip, 'status', status) end
  if owner ~= '' then redis.call('HSET', tip, 'owner', owner) end
  redis.call('EXPIRE', tip, ttl_s)
  redis.call('EXPIRE', key.stream(hint), ttl_s)
end

-- Whether the attempt may not write: the hint is over, or a newer attempt owns it.
local function shut(hint, attempt)
  attempt = tonumber(attempt)
  local tip = redis.call('HMGET', key.tip(hint), 'closed', 'attempt', 'fence')
  return tip[1] or tonumber(tip[2] or 0) > attempt or tonumber(tip[3] or -1) >= attempt
end

-- Writes QUEUED as the attempt's last event, unless it is shut out already, and shuts it out.
local function fence(hint, attempt, ttl_s)
  local tip = key.tip(hint)
  if not shut(hint, attempt) then
    local at, seq = unpack(redis.call('HMGET', tip, 'attempt', 'seq'))
    seq = tonumber(at or 0) == attempt and tonumber(seq or 0) + 1 or 1
    add_event(hint, attempt, seq, 'queued', '{}')
    set_tip(hint, attempt, seq, 'queued', '', ttl_s)
  end
  if tonumber(redis.call('HGET', tip, 'fence') or -1) < attempt then
    redis.call('HSET', tip, 'fence', attempt)
  end
  redis.call('EXPIRE', tip, ttl_s)
end

-- Writes DONE as the newest event; returns 1, or 0 if the stream was closed already.
local function close(hint, attempt, ttl_s, owner, status, data)
  local tip = redis.call('HMGET', key.tip(hint), 'closed', 'attempt', 'seq')
  if tip[1] then return 0 end
  local at, seq = tonumber(tip[2] or 0), tonumber(tip[3] or 0)
  if attempt > at then at, seq = attempt, 0 end
  add_event(hint, at, seq + 1, 'done', data)
  set_tip(hint, at, seq + 1, status, owner, ttl_s)
  redis.call('HSET', key.tip(hint), 'closed', 1)
  return 1
end
