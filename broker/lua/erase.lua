-- Leaves nothing of what a hint's watchers were told; what refuses a late write stays its hour.
-- keys: stream(hint)
-- args: hint
-- result: nothing

redis.call('DEL', key.stream(ARGV[1]))
return false
