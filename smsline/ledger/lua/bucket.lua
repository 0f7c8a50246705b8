-- Take a token of a bucket, or learn how long to wait; or shut the bucket for a time.
-- KEYS: bucket (hash)
-- ARGV: rate (micro-tokens a ms), burst, floor left to others, cost (micro-tokens), expiry s, ms to
--       shut it for (0: take)
-- Returns: {1, 0} when taken, else {0, wait ms}.
local key = KEYS[1]
local rate, burst, floor, cost, expiry_s, shut_for = unpack(ARGV)
local us = now_us()
if tonumber(shut_for) == 0 then
  local wait = take_tokens(key, us, { rate = tonumber(rate), burst = tonumber(burst), floor = tonumber(floor), cost = tonumber(cost), expiry_s = expiry_s })
  return { wait == 0 and 1 or 0, wait }
end
local now = math.floor(us / 1000)
local held = redis.call('HMGET', key, 'shut_ms', 'shut_for')
local left = math.max(0, math.min(tonumber(held[1] or 0) - now, tonumber(held[2] or 0)))
local most = math.max(left, tonumber(shut_for))
redis.call('HSET', key, 'level', 0, 'us', string.format('%.0f', us), 'shut_ms', now + most, 'shut_for', most)
redis.call('EXPIRE', key, math.max(tonumber(expiry_s), math.ceil(most / 1000)))
return { 0, tonumber(shut_for) }
