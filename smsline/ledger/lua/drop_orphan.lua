-- Forget one kept receipt; others of the same number stay.
-- KEYS: 1 orphans of a day (hash)
-- ARGV: 1 number, 2 row json
-- Returns: 1 when it was there.
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if not kept then return 0 end
local left, found = {}, 0
for queue in string.gmatch(kept, '[^\n]+') do
  if queue == ARGV[2] then found = 1 else left[#left + 1] = queue end
end
if found == 0 then return 0 end
if #left == 0 then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], table.concat(left, '\n')) end
return 1
