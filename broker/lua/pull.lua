-- Grants the free slots of an engine to the hints that should have them.
-- keys: ticket(hint), engines, known, pulls; workers, leases, health, warm(engine); student;
--   backlog, courses(lane), course_backlog, rounds(lane and course); doorbells(engine)
-- args: engine, grant_ms, aged_ms, doorbell
-- result: {{hint, attempt}, …}
-- includes: placement

return pull(unpack(ARGV))
