-- Move some numbers of the list as it was before it had scopes: it stopped everything and did not say why, so they stop marketing.
-- KEYS: 1 suppressions (hash), 2 the old list (set)
-- ARGV: 1 most numbers, 2 source, 3 reason
-- Returns: how many were moved.
local now = string.format('%.0f', math.floor(now_us() / 1000))
local numbers = redis.call('SPOP', KEYS[2], ARGV[1])
for _, number in ipairs(numbers) do
  local entries = suppressions_of(redis.call('HGET', KEYS[1], number))
  local kind = suppression_kind(ARGV[2])
  entries[kind] = entries[kind] or { scope = 'm', at = now, source = ARGV[2], reason = ARGV[3] }
  write_suppressions(KEYS[1], number, entries)
end
return #numbers
