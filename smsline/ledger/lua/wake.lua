-- Ask for a wake-up to be published on a queue, unless enough, or this very one, are under way.
-- KEYS: 1 wakes of the queue (zset)
-- ARGV: 1 wake id, 2 most under way, 3 expiry ms
-- Returns: 1 when it may be published.
local now = math.floor(now_us() / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
