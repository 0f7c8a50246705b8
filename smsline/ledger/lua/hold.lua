-- Leave a batch queue alone for a time, because its messages may not be sent now; a longer time
-- that holds already stays.
-- KEYS: due send of the lane (zset), hold of the batch queue (string)
-- ARGV: batch queue id, for how many ms, '1' when it holds for what comes to the batch queue
--       meanwhile too, else a look at it is allowed then
-- Returns: nothing.
local send_key, hold_key = unpack(KEYS)
local queue, for_ms, firmly = unpack(ARGV)
local now, ms = now_us() / 1000, tonumber(for_ms)
if firmly == '1' then
  ms = math.max(ms, redis.call('PTTL', hold_key))
  redis.call('SET', hold_key, 1, 'PX', math.ceil(ms))
end
redis.call('ZADD', send_key, 'XX', string.format('%.3f', now + ms), queue)
