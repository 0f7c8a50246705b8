-- A call of an account is stuck: what begins until one goes well carries one
-- recipient, in every process.
-- KEYS: breaker (hash)
-- ARGV: for how long at most, ms
-- Returns: nothing.
local breaker_key, for_ms = KEYS[1], tonumber(ARGV[1])
local EXPIRY_S = 3600
redis.call('HSET', breaker_key, 'slow_ms', math.floor(now_us() / 1000) + for_ms)
if redis.call('TTL', breaker_key) < EXPIRY_S then redis.call('EXPIRE', breaker_key, EXPIRY_S) end
