-- Claim members of a due set that are due, by moving each to the end of a lease.
-- KEYS: 1 due set (zset)
-- ARGV: 1 most to claim, 2 lease ms
-- Returns: the members, each followed by its lease end in ms, which is the fence to finish it with.
local now, answer = now_us() / 1000, {}
local ends = string.format('%.3f', now + tonumber(ARGV[2]))
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.3f', now), 'LIMIT', 0, ARGV[1])) do
  redis.call('ZADD', KEYS[1], ends, member)
  answer[#answer + 1] = member
  answer[#answer + 1] = ends
end
return answer
