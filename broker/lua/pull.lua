-- Grants the free slots of an engine to the oldest hints that may go there.
-- keys: backlog, ticket(hint), engines, known, workers(engine), leases(engine)
-- args: engine, grant_ms
-- result: {{hint, attempt}, …}
-- includes: fleet, line

return pull(ARGV[1], ARGV[2])
