-- Lift a park and make the batch queues that waited for it due at once.
-- KEYS: park (hash), then the due send sets of the lanes (zsets)
-- ARGV: account, template ('' every template of the account)
-- Returns: batch queues made due; -1 when nothing was parked.
local wanted, subject = unpack(ARGV)
if redis.call('DEL', KEYS[1]) == 0 then return -1 end
local now, woken = string.format('%.3f', now_us() / 1000), 0
for k = 2, #KEYS do
  for _, queue in ipairs(redis.call('ZRANGEBYSCORE', KEYS[k], '(' .. now, '+inf')) do
    local account, template = string.match(queue, '^[^|]*|([^|]*)|([^|]*)|')
    if account == wanted and (subject == '' or template == subject) then
      redis.call('ZADD', KEYS[k], now, queue)
      woken = woken + 1
    end
  end
end
return woken
