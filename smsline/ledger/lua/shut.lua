-- Let an overdue job that is not complete take no further part, so that it can close.
-- KEYS: 1 job, 2 got (hashes), 3 due close (zset)
-- Returns: 1 when it waited for more.
local complete = redis.call('HGET', KEYS[1], 'complete')
if complete == '1' or redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HDEL', KEYS[1], 'params')
redis.call('HSET', KEYS[1], 'complete', 1, 'shut', 1, 'parts', redis.call('HLEN', KEYS[2]))
close_if_over(KEYS[1], KEYS[3], math.floor(now_us() / 1000))
return 1
