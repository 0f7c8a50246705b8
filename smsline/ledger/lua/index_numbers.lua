-- Add records to the index from numbers to blocks. Done twice it adds them twice, which costs
-- memory and nothing else.
-- KEYS: 1 days that have records (zset: day -> when its records end, epoch s), then the
--       day's lists that get some
-- ARGV: 1 day, 2 for how long they are kept, s, then per list its records (7 bytes each)
-- Returns: lists written to.
local days_key, day, keep_s = KEYS[1], ARGV[1], tonumber(ARGV[2])
local now_s = math.floor(now_us() / 1000000)
for i = 2, #KEYS do
  redis.call('RPUSH', KEYS[i], ARGV[i + 1])
  -- A day's records live as long as the job that is kept longest.
  if redis.call('TTL', KEYS[i]) < keep_s then redis.call('EXPIRE', KEYS[i], keep_s) end
end
redis.call('ZREMRANGEBYSCORE', days_key, '-inf', now_s)
redis.call('ZADD', days_key, 'GT', now_s + keep_s, day)
return #KEYS - 1
