-- Where a prefix belongs: a rendezvous hash weighted by capacity, as in tests/oracles/placement.py.

-- All of it is done in whole numbers below 2^53, which Lua and Python count alike.
local PRIME = 2147483647

local function times(a, b)
  return (a * math.floor(b / 65536) % PRIME * 65536 + a * (b % 65536)) % PRIME
end

local function fifth_power(x)
  local square = times(x, x)
  return times(times(square, square), x)
end

local function digest(text)
  local sum = 0
  for i = 1, #text do sum = (sum * 1000003 + text:byte(i) + 1) % PRIME end
  return sum
end

local function heaviest(prefix, fleet)
  local best, most
  for _, engine in ipairs(fleet.names) do
    if fleet.limit[engine] > 0 and not fleet.stands_by[engine] then
      local mixed = fifth_power((fifth_power(digest(engine .. ' ' .. prefix)) + 1) % PRIME)
      local weight = -fleet.limit[engine] / math.log((mixed + 0.5) / PRIME)
      if not best or weight > most then best, most = engine, weight end
    end
  end
  return best
end

-- Engine with the highest weight for the prefix; false if none has a slot.
local function home(prefix, fleet)
  if fleet.homes[prefix] == nil then fleet.homes[prefix] = heaviest(prefix, fleet) or false end
  return fleet.homes[prefix]
end
