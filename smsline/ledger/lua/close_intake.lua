-- Let an overdue job that is not complete take no further part, so that it can close.
-- KEYS: the book, job, got (hashes)
-- Returns: 1 when it waited for more.
local book = the_book()
local job_key, got_key = unpack(KEYS, BOOK + 1, BOOK + 2)
local complete = redis.call('HGET', job_key, 'complete')
if complete == '1' or redis.call('EXISTS', job_key) == 0 then return 0 end
redis.call('HDEL', job_key, 'params')
redis.call('HSET', job_key, 'complete', 1, 'shut', 1, 'parts', redis.call('HLEN', got_key))
close_if_over(book, job_key, math.floor(now_us() / 1000))
return 1
