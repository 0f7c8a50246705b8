-- Give a claim back that was never called: its entries return to the front of their batch queue.
-- KEYS: attempt (hash), due lease, batch queue, due send of the lane (zsets)
-- ARGV: attempt id, wait ms
-- Returns: entries given back; 0 when the attempt was begun, released or recorded before.
local attempt_key, lease_key, queue_key, send_key = unpack(KEYS)
local attempt, wait_ms = unpack(ARGV)
local held = redis.call('HMGET', attempt_key, 'state', 'entries', 'queue')
if held[1] ~= 'claimed' then return 0 end
local due, given = string.format('%.3f', now_us() / 1000 + tonumber(wait_ms)), 0
local due_was = redis.call('ZSCORE', send_key, held[3])
for entry in string.gmatch(held[2], '%S+') do
  enqueue(queue_key, held[3], entry, send_key, due, true)
  given = given + 1
end
if not due_was or tonumber(wait_ms) > 0 then redis.call('ZADD', send_key, due, held[3]) end
redis.call('DEL', attempt_key)
redis.call('ZREM', lease_key, attempt)
return given
