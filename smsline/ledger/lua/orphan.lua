-- Keep receipts that match nothing yet.
-- KEYS: orphans of the day, account (hashes)
-- ARGV: expiry s, then per receipt: number, row json
-- Returns: 1.
local orphans_key, account_key = unpack(KEYS)
local expiry_s = ARGV[1]
for i = 2, #ARGV, 2 do
  local number, row = ARGV[i], ARGV[i + 1]
  local others = redis.call('HGET', orphans_key, number)
  if not (others and string.find(others, row, 1, true)) then
    redis.call('HSET', orphans_key, number, others and (others .. '\n' .. row) or row)
    redis.call('HINCRBY', account_key, 'orphans', 1)
  end
end
redis.call('EXPIRE', orphans_key, expiry_s)
return 1
