-- Grants the free slots of an engine to the hints that should have them.
-- keys: ticket(hint), engines, known, pulls; workers, leases, health, warm(engine); student;
--   backlog, courses(lane), line, rounds(lane and course); doorbells(engine)
-- args: engine, grant_ms, patience_ms, doorbell
-- result: {{hint, attempt}, …}
-- includes: place

return pull(unpack(ARGV))
