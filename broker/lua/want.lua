-- Says that a hint waits for a diagnosis in flight: it gives way to no other hint then.
-- keys: ticket(job), ahead(engine)
-- args: job
-- result: nothing

local engine = redis.call('HGET', key.ticket(ARGV[1]), 'engine')
if engine then redis.call('ZREM', key.ahead(engine), ARGV[1]) end
