-- Grants the free slots of an engine to the hints that should have them.
-- keys: ticket(hint), engines, known, pulls; workers, leases, health, warm(engine); student;
--   backlog, courses(lane), line, rounds(lane and course)
-- args: engine, grant_ms, patience_ms
-- result: {{hint, attempt}, …}
-- includes: place

return pull(ARGV[1], ARGV[2], ARGV[3])
