-- Move some numbers of the list as it was before it had scopes: it stopped everything and did not
-- say why, so they stop marketing.
-- KEYS: 1 suppressions (hash), 2 the old list (set)
-- ARGV: 1 most numbers, 2 source, 3 reason
-- Returns: how many were moved.
local suppressions_key, old_key = unpack(KEYS)
local most, source, reason = unpack(ARGV)
local now = string.format('%.0f', math.floor(now_us() / 1000))
local numbers = redis.call('SPOP', old_key, most)
for _, number in ipairs(numbers) do
  local entries = suppressions_of(redis.call('HGET', suppressions_key, number))
  local kind = suppression_kind(source)
  entries[kind] = entries[kind] or { scope = 'm', at = now, source = source, reason = reason }
  write_suppressions(suppressions_key, number, entries)
end
return #numbers
