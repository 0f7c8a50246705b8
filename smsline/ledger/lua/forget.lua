-- Take an attempt out of what is unsure of a number.
-- KEYS: 1 unsure of the account (hash)
-- ARGV: 1 number, 2 attempt
-- Returns: 1 when it was there.
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held then return 0 end
local left, found = {}, 0
for attempt in string.gmatch(held, '%S+') do
  if attempt == ARGV[2] then found = 1 else left[#left + 1] = attempt end
end
if #left == 0 then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], table.concat(left, ' ')) end
return found
