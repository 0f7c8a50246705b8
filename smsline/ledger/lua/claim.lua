-- Claim members of a due set that are due, by moving each to the end of a lease.
-- KEYS: due set (zset)
-- ARGV: most to claim, lease ms
-- Returns: the members, each followed by its lease end in ms, which is the fence to finish it with.
local key, most, lease_ms = KEYS[1], unpack(ARGV)
local now, answer = now_us() / 1000, {}
local ends = string.format('%.3f', now + tonumber(lease_ms))
for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', string.format('%.3f', now), 'LIMIT', 0, most)) do
  redis.call('ZADD', key, ends, member)
  answer[#answer + 1] = member
  answer[#answer + 1] = ends
end
return answer
