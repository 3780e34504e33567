-- Diagnoses that run ahead: nobody waits for them, and they give way to hints.

-- As broker.contract.job.DIAGNOSIS begins the name of such a job.
local AHEAD = 'diagnosis-'

local function runs_ahead(job)
  return job:sub(1, #AHEAD) == AHEAD
end

-- How many of them the engine has in flight, which is no more than it has leases.
local function in_flight_ahead(engine)
  return redis.call('ZCARD', key.ahead(engine))
end
