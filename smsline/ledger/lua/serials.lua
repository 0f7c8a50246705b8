-- What the index knows of serials: of each the first day that has it.
-- KEYS: the shard of each serial, for one day after the other
-- ARGV: the fields of the serials (6 bytes each)
-- Returns: {values, which of the days each is of, counted from 0}; '' where there is none.
local fields = ARGV[1]
local serials, values, days = #fields / 6, {}, {}
for i = 1, serials do
  local field = string.sub(fields, i * 6 - 5, i * 6)
  values[i], days[i] = '', 0
  for k = i, #KEYS, serials do
    local value = redis.call('HGET', KEYS[k], field)
    if value then values[i], days[i] = value, (k - i) / serials; break end
  end
end
return { values, days }
