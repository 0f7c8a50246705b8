-- Keep receipts that match nothing yet, unless the send was recorded in the meantime.
-- KEYS: 1 orphans of the day (hash), 2 account (hash), then per receipt its index shard (hash)
-- ARGV: 1 expiry s, then per receipt: index field, number, row json
-- Returns: per receipt the index value when it is there by now, else ''.
local answer = {}
for i = 1, #KEYS - 2 do
  local at = 1 + (i - 1) * 3
  local found = redis.call('HGET', KEYS[2 + i], ARGV[at + 1])
  answer[i] = found or ''
  if not found then
    local others = redis.call('HGET', KEYS[1], ARGV[at + 2])
    if not (others and string.find(others, ARGV[at + 3], 1, true)) then
      redis.call('HSET', KEYS[1], ARGV[at + 2], others and (others .. '\n' .. ARGV[at + 3]) or ARGV[at + 3])
      redis.call('HINCRBY', KEYS[2], 'orphans', 1)
    end
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return answer
