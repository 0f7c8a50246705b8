-- Make the batch queues due at once that waited for an account, or for what of it was parked.
-- KEYS: the due send sets of the lanes (zsets)
-- ARGV: account, what was parked: '' all of it, '~mainland' or '~global' a side,
--       '<template>~#<digest>' one batch queue, else a template
-- Returns: batch queues made due.
local wanted, subject = unpack(ARGV)
local now, woken = string.format('%.3f', now_us() / 1000), 0
local side, own = string.match(subject, '^~(%a)'), string.match(subject, '~#(.*)$')

local function meant(template, region, digest)
  if own then return digest == own end
  if side then return string.sub(region, 1, 1) == side end
  return subject == '' or template == subject
end

for k = 1, #KEYS do
  for _, queue in ipairs(redis.call('ZRANGEBYSCORE', KEYS[k], '(' .. now, '+inf')) do
    local account, template, region, digest = string.match(queue, '^[^|]*|([^|]*)|([^|]*)|([^|]*)|[^|]*|([^|]*)')
    if account == wanted and meant(template, region, digest) then
      redis.call('ZADD', KEYS[k], now, queue)
      woken = woken + 1
    end
  end
end
return woken
