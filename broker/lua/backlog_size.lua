-- Counts the hints that wait.
-- keys: backlog
-- args: none
-- result: how many

return redis.call('ZCARD', key.backlog())
