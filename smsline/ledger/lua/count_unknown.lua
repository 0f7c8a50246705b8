-- Count a code that no table knows; when an account has too many of them, they
-- are counted together.
-- KEYS: account (hash)
-- ARGV: field of the code, field for all others, most fields
-- Returns: nothing.
local account_key = KEYS[1]
local field, others, most = unpack(ARGV)
if redis.call('HEXISTS', account_key, field) == 0 and redis.call('HLEN', account_key) >= tonumber(most) then field = others end
redis.call('HINCRBY', account_key, field, 1)
