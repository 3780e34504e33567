-- The Celery message that tells the workers of an engine of a grant.

-- Leaves it in their queue. message: with the blanks that broker.queue.doorbell names.
local function ring(message, hint, attempt, engine, now)
  local blanks = {hint = hint, attempt = attempt, engine = engine}
  blanks.sent_s = string.format('%.3f', now / 1000)
  redis.call('LPUSH', key.doorbells(engine), (message:gsub('<([%l_]+)>', blanks)))
end
