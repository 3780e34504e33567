-- Ends a user's run, if it is still theirs.
-- keys: run(user)
-- args: user, token of the run
-- result: nothing

local user, token = unpack(ARGV)
if redis.call('GET', key.run(user)) == token then redis.call('DEL', key.run(user)) end
