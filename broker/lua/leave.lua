-- Forgets a worker that takes no more hints.
-- keys: workers(engine)
-- args: engine, worker
-- result: nothing

redis.call('HDEL', key.workers(ARGV[1]), ARGV[2])
