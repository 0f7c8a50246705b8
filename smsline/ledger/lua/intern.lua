-- A small number for a code, the same for ever; 65535 when there is no room for more.
-- KEYS: 1 codes (hash: code -> number), 2 names (hash: number -> code)
-- ARGV: 1 code
-- Returns: the number, from 1.
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known then return tonumber(known) end
local number = redis.call('HLEN', KEYS[1]) + 1
if number >= 65535 then return 65535 end
redis.call('HSET', KEYS[1], ARGV[1], number)
redis.call('HSET', KEYS[2], number, ARGV[1])
return number
