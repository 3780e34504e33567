-- Notes that an engine has just sent a chunk.
-- keys: health(engine)
-- args: engine
-- result: nothing
-- includes: clock

redis.call('HSET', key.health(ARGV[1]), 'progress_ms', now_ms())
