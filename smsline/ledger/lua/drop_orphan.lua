-- Forget one kept receipt; others of the same number stay.
-- KEYS: orphans of a day (hash)
-- ARGV: number, row json
-- Returns: 1 when it was there.
local key, number, row = KEYS[1], unpack(ARGV)
local kept = redis.call('HGET', key, number)
if not kept then return 0 end
local left, found = {}, 0
for line in string.gmatch(kept, '[^\n]+') do
  if line == row then found = 1 else left[#left + 1] = line end
end
if found == 0 then return 0 end
if #left == 0 then redis.call('HDEL', key, number)
else redis.call('HSET', key, number, table.concat(left, '\n')) end
return 1
