-- A small number for a code, or for a code with what the provider said beside it. There are so
-- many; codes that come later share the last one, which is called `other`, and a further text of a
-- code with MOST_TEXTS of them has the code's own number.
-- KEYS: codes (hash: code, or code <tab> message -> number), names (hash: number -> code), messages
--       (hash: number -> message; `of` code -> how many texts it has)
-- ARGV: code, message ('' for none)
-- Returns: {the number, from 1; the code that it stands for; the message}.
local MOST, MOST_TEXTS, LAST_TEXT = 20000, 16, 10000
local codes_key, names_key, messages_key = unpack(KEYS)
local code, message = ARGV[1], ARGV[2]
local function known_as(field, said)
  local number = redis.call('HGET', codes_key, field)
  return number and { tonumber(number), code, said }
end

local number = redis.call('HLEN', codes_key) + 1
if message ~= '' then
  local known = known_as(code .. '\t' .. message, message)
  if known then return known end
  -- Texts may hold an id of their own each time, and must not use up the numbers of codes.
  if number < LAST_TEXT and tonumber(redis.call('HGET', messages_key, 'of ' .. code) or 0) < MOST_TEXTS then
    redis.call('HINCRBY', messages_key, 'of ' .. code, 1)
    redis.call('HSET', codes_key, code .. '\t' .. message, number)
    redis.call('HSET', names_key, number, code)
    redis.call('HSET', messages_key, number, message)
    return { number, code, message }
  end
end
local known = known_as(code, '')
if known then return known end
if number >= MOST then number, code = MOST, 'other' end
redis.call('HSET', codes_key, code, number)
redis.call('HSET', names_key, number, code)
return { number, code, '' }
