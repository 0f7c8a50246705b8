-- Keep a raw page that a provider has pushed, or that was pulled and is read as pushed ones are, and have it looked at.
-- KEYS: pushed pages (hash), due pushed (zset)
-- ARGV: page id, raw page, account
-- Returns: 1.
local now = math.floor(now_us() / 1000)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
local was = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[3]) or -1)
-- Who is reading the account's pages just now must not end as if there were no more: the moved time takes the lease away.
if was < 0 then redis.call('ZADD', KEYS[2], now, ARGV[3])
elseif was > now then redis.call('ZADD', KEYS[2], was - 1, ARGV[3]) end
return 1
