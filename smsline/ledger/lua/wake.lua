-- Ask for a wake-up to be published on a queue, unless enough, or this very one, are under way.
-- KEYS: 1 wakes of the queue (zset), perhaps 2 the broker's list, when that is in this Redis
-- ARGV: 1 wake id, 2 most under way, 3 expiry ms, with a list 4 the message that is pushed onto it
-- Returns: 1 when it may be published; with a list, it has been.
local now = math.floor(now_us() / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if KEYS[2] then redis.call('LPUSH', KEYS[2], ARGV[4]) end
return 1
