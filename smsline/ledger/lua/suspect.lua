-- A call of an account is stuck: what begins until one goes well carries one recipient, in every process.
-- KEYS: breaker (hash)
-- ARGV: for how long at most, ms
local EXPIRY_S = 3600
redis.call('HSET', KEYS[1], 'slow_ms', math.floor(now_us() / 1000) + tonumber(ARGV[1]))
if redis.call('TTL', KEYS[1]) < EXPIRY_S then redis.call('EXPIRE', KEYS[1], EXPIRY_S) end
