-- Ask for a wake-up to be published on a queue, unless enough, or this very one, are under way.
-- KEYS: wakes of the queue (zset), perhaps the broker's list, when that is in this Redis
-- ARGV: wake id, most under way, expiry ms, with a list the message that is pushed onto it
-- Returns: 1 when it may be published; with a list, it has been.
local key, list_key = unpack(KEYS)
local wake, most, expiry_ms, message = unpack(ARGV)
local now = math.floor(now_us() / 1000)
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
if redis.call('ZSCORE', key, wake) then return 0 end
if redis.call('ZCARD', key) >= tonumber(most) then return 0 end
redis.call('ZADD', key, now + tonumber(expiry_ms), wake)
redis.call('PEXPIRE', key, expiry_ms)
if list_key then redis.call('LPUSH', list_key, message) end
return 1
