-- Claim one member of a due set if it is due.
-- KEYS: due set (zset)
-- ARGV: member, lease ms
-- Returns: the lease end in ms, which is the fence to finish it with; '' when it is not due.
local key, member, lease_ms = KEYS[1], unpack(ARGV)
local now, score = now_us() / 1000, redis.call('ZSCORE', key, member)
if not score or tonumber(score) > now then return '' end
local ends = string.format('%.3f', now + tonumber(lease_ms))
redis.call('ZADD', key, ends, member)
return ends
