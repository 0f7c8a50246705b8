-- Take an attempt out of what is unsure of a number.
-- KEYS: unsure of the account (hash)
-- ARGV: number, attempt
-- Returns: 1 when it was there.
local key, number, gone = KEYS[1], unpack(ARGV)
local held = redis.call('HGET', key, number)
if not held then return 0 end
local left, found = {}, 0
for attempt in string.gmatch(held, '%S+') do
  if attempt == gone then found = 1 else left[#left + 1] = attempt end
end
if #left == 0 then redis.call('HDEL', key, number)
else redis.call('HSET', key, number, table.concat(left, ' ')) end
return found
