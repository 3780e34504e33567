-- Reads the newest state of a hint's stream.
-- keys: tip(hint)
-- args: hint
-- result: {status, attempt, seq, closed, owner}, each false if it is not there

return redis.call('HMGET', key.tip(ARGV[1]), 'status', 'attempt', 'seq', 'closed', 'owner')
