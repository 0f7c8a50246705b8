-- A small number for a code. There are so many; those that come later share the last one, which is called `other`.
-- KEYS: codes (hash: code -> number), names (hash: number -> code)
-- ARGV: code
-- Returns: {the number, from 1; the code that it stands for}.
local MOST = 20000
local codes_key, names_key = unpack(KEYS)
local code = ARGV[1]
local known = redis.call('HGET', codes_key, code)
if known then return { tonumber(known), code } end
local number = redis.call('HLEN', codes_key) + 1
if number >= MOST then number, code = MOST, 'other' end
redis.call('HSET', codes_key, code, number)
redis.call('HSET', names_key, number, code)
return { number, code }
