-- Take back an attempt of which no call was made, whatever has become of it: its worker never
-- learned whether it began.
-- KEYS: attempt (hash), due lease, batch queue, due send of the lane (zsets)
-- ARGV: attempt id, attempt expiry s
-- Returns: 'claimed' when its entries are back at the front of their batch queue, 'gone'
--          when it had none, and must not come to have any, else its state: a begun one is
--          still to be recorded.
local attempt_key, lease_key, queue_key, send_key = unpack(KEYS)
local attempt, expiry_s = unpack(ARGV)
local held = redis.call('HMGET', attempt_key, 'state', 'entries', 'queue')
if not held[1] then
  -- The command that takes may still be under way to a Redis that stood still.
  redis.call('HSET', attempt_key, 'state', 'done', 'entries', '')
  redis.call('EXPIRE', attempt_key, expiry_s)
  return 'gone'
end
if held[1] ~= 'claimed' then return held[1] end
local due = string.format('%.3f', now_us() / 1000)
for entry in string.gmatch(held[2], '%S+') do enqueue(queue_key, held[3], entry, send_key, due, true) end
redis.call('DEL', attempt_key)
redis.call('ZREM', lease_key, attempt)
return 'claimed'
