-- Give a claim back that was never called: its entries return to the front of their batch queue.
-- KEYS: 1 attempt (hash), 2 due lease (zset), 3 batch queue (zset), 4 due send of the lane (zset)
-- ARGV: 1 attempt id, 2 wait ms
-- Returns: entries given back; 0 when the attempt was begun, released or recorded before.
local held = redis.call('HMGET', KEYS[1], 'state', 'entries', 'queue')
if held[1] ~= 'claimed' then return 0 end
local due, given = string.format('%.3f', now_us() / 1000 + tonumber(ARGV[2])), 0
local due_was = redis.call('ZSCORE', KEYS[4], held[3])
for entry in string.gmatch(held[2], '%S+') do
  enqueue(KEYS[3], held[3], entry, KEYS[4], due, true)
  given = given + 1
end
if not due_was or tonumber(ARGV[2]) > 0 then redis.call('ZADD', KEYS[4], due, held[3]) end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return given
