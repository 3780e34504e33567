-- Appends events to a hint's stream, all or none; leaves those that are there already.
-- keys: stream(hint), tip(hint)
-- args: hint, attempt, seq of the first event, ttl_s, owner or '', status or '',
--   then kind, data of each event
-- result: 'ok', 'duplicate' (all were there), 'closed' (the hint is over, or another attempt's)
-- includes: stream

local hint, attempt, first, ttl_s = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local owner, status = ARGV[5], ARGV[6]
local last = first + (#ARGV - 6) / 2 - 1
local tip = redis.call('HMGET', key.tip(hint), 'attempt', 'seq', 'closed', 'fence')
local at, seq = tonumber(tip[1] or 0), tonumber(tip[2] or 0)

if at > attempt or tonumber(tip[4] or -1) >= attempt then return 'closed' end
if at < attempt then seq = 0 end
if last <= seq then
  -- The id alone does not tell: a cancel may have closed the stream with this id.
  local id = attempt .. '-' .. last
  local entry = redis.call('XRANGE', key.stream(hint), id, id)[1]
  local same = entry and entry[2][2] == ARGV[#ARGV - 1] and entry[2][4] == ARGV[#ARGV]
  return same and 'duplicate' or 'closed'
end
if tip[3] then return 'closed' end

for n = math.max(first, seq + 1), last do
  local i = 7 + 2 * (n - first)
  add_event(hint, attempt, n, ARGV[i], ARGV[i + 1])
end
set_tip(hint, attempt, last, status, owner, ttl_s)
if ARGV[#ARGV - 1] == 'done' then redis.call('HSET', key.tip(hint), 'closed', 1) end
return 'ok'
