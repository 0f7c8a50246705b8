-- Take a token of a bucket, or learn how long to wait; or shut the bucket for a time.
-- KEYS: 1 bucket (hash)
-- ARGV: 1 rate (micro-tokens a ms), 2 burst (micro-tokens), 3 floor left to others (micro-tokens), 4 cost (micro-tokens), 5 expiry s, 6 shut ms (0: take)
-- Returns: {1, 0} when taken, else {0, wait ms}.
local us = now_us()
local now = math.floor(us / 1000)
local bucket = redis.call('HMGET', KEYS[1], 'level', 'us', 'shut_ms')
if tonumber(ARGV[6]) > 0 then
  local shut = math.max(now + tonumber(ARGV[6]), tonumber(bucket[3] or 0))
  redis.call('HSET', KEYS[1], 'level', 0, 'us', string.format('%.0f', us), 'shut_ms', shut)
  redis.call('EXPIRE', KEYS[1], math.max(tonumber(ARGV[5]), math.ceil((shut - now) / 1000)))
  return { 0, tonumber(ARGV[6]) }
end
if bucket[3] and tonumber(bucket[3]) > now then return { 0, tonumber(bucket[3]) - now } end
local rate, burst, floor, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local level, last = tonumber(bucket[1] or burst), tonumber(bucket[2] or us)
if us > last then level = math.min(burst, level + math.floor((us - last) * rate / 1000)) else us = last end
if level < cost + floor then return { 0, math.ceil((cost + floor - level) / rate) } end
redis.call('HSET', KEYS[1], 'level', string.format('%.0f', level - cost), 'us', string.format('%.0f', us))
redis.call('EXPIRE', KEYS[1], ARGV[5])
return { 1, 0 }
