-- Reads the events that follow an id.
-- keys: stream(hint)
-- args: hint, id
-- result: {{id, {'kind', kind, 'data', data}}, …}, oldest first

return redis.call('XRANGE', key.stream(ARGV[1]), '(' .. ARGV[2], '+')
