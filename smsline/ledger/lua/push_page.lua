-- Keep a raw page that a provider has pushed, or that was pulled and is read as pushed ones are,
-- and have it looked at.
-- KEYS: pushed pages (hash), due pushed (zset)
-- ARGV: page id, raw page, account
-- Returns: 1.
local pages_key, due_key = unpack(KEYS)
local page, raw, account = unpack(ARGV)
local now = math.floor(now_us() / 1000)
redis.call('HSET', pages_key, page, raw)
local was = tonumber(redis.call('ZSCORE', due_key, account) or -1)
-- Who is reading the account's pages just now must not end as if there were no more: the moved time
-- takes the lease away.
if was < 0 then redis.call('ZADD', due_key, now, account)
elseif was > now then redis.call('ZADD', due_key, was - 1, account) end
return 1
