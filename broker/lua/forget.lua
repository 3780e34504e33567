-- Takes a hint out of wherever it is.
-- keys: ticket(hint), leases(engine), student; backlog, courses(lane), line, rounds
-- args: hint
-- result: engine whose slot is free now, or false
-- includes: place

return forget(ARGV[1])
