-- Takes a hint out of wherever it is.
-- keys: ticket(hint), leases(engine), student; backlog, courses(lane);
--   course_backlog, rounds(lane and course)
-- args: hint
-- result: engine whose slot is free now, or false
-- includes: placement

return forget(ARGV[1])
