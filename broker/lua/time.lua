-- Tells the time of this Redis.
-- keys: none
-- args: none
-- result: ms
-- includes: clock

return now_ms()
