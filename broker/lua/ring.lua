-- Leaves Celery messages in the queues of engines.
-- keys: celery(queue)
-- args: queue, message of each
-- result: nothing

for i = 1, #ARGV, 2 do redis.call('LPUSH', key.celery(ARGV[i]), ARGV[i + 1]) end
