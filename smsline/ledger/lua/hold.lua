-- Leave a batch queue alone for a time, because its messages may not be sent now; a longer time that holds already stays.
-- KEYS: 1 due send of the lane (zset), 2 hold of the batch queue (string)
-- ARGV: 1 batch queue id, 2 for how many ms, 3 '1' when it holds for what comes to the batch queue meanwhile too, else a look at it is allowed then
-- Returns: nothing.
local now, ms = now_us() / 1000, tonumber(ARGV[2])
if ARGV[3] == '1' then
  ms = math.max(ms, redis.call('PTTL', KEYS[2]))
  redis.call('SET', KEYS[2], 1, 'PX', math.ceil(ms))
end
redis.call('ZADD', KEYS[1], 'XX', string.format('%.3f', now + ms), ARGV[1])
