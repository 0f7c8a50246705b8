-- Claim one member of a due set if it is due.
-- KEYS: 1 due set (zset)
-- ARGV: 1 member, 2 lease ms
-- Returns: the lease end in ms, which is the fence to finish it with; '' when it is not due.
local now, score = now_us() / 1000, redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) > now then return '' end
local ends = string.format('%.3f', now + tonumber(ARGV[2]))
redis.call('ZADD', KEYS[1], ends, ARGV[1])
return ends
