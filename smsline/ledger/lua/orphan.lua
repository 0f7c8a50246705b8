-- Keep receipts that match nothing yet, unless the send was recorded in the meantime.
-- KEYS: orphans of the day (hash), account (hash), then per receipt its index shard (hash)
-- ARGV: expiry s, then per receipt: index field, number, row json
-- Returns: per receipt the index value when it is there by now, else ''.
local orphans_key, account_key = unpack(KEYS, 1, 2)
local answer = {}
for i = 1, #KEYS - 2 do
  local field, number, row = unpack(ARGV, i * 3 - 1, i * 3 + 1)
  local found = redis.call('HGET', KEYS[2 + i], field)
  answer[i] = found or ''
  if not found then
    local others = redis.call('HGET', orphans_key, number)
    if not (others and string.find(others, row, 1, true)) then
      redis.call('HSET', orphans_key, number, others and (others .. '\n' .. row) or row)
      redis.call('HINCRBY', account_key, 'orphans', 1)
    end
  end
end
redis.call('EXPIRE', orphans_key, ARGV[1])
return answer
