-- End the recipients of an inbox part that was never accepted, for a cancelled or overdue job. The part stays, for the results.
-- KEYS: 1 job, 2 part (hashes), 3 due close (zset), 4 blocks of the job (hash)
-- ARGV: 1 recipients in the part, 2 count they go to: 'cancelled' or 'expired', 3 letter: 'c' or 'e', 4 part number, 5 extra json without params, or '', 6 what stands for its blocks
-- Returns: recipients ended.
if redis.call('EXISTS', KEYS[2]) == 0 or redis.call('HEXISTS', KEYS[2], 'end') == 1 then return 0 end
redis.call('HSET', KEYS[2], 'end', ARGV[3], 'x', ARGV[5])
redis.call('HSET', KEYS[4], ARGV[4], ARGV[6])
redis.call('HINCRBY', KEYS[1], 'taken', 1)
redis.call('HDEL', KEYS[1], 'params')
redis.call('HINCRBY', KEYS[1], 'waiting', -tonumber(ARGV[1]))
redis.call('HINCRBY', KEYS[1], ARGV[2], ARGV[1])
close_if_over(KEYS[1], KEYS[3], math.floor(now_us() / 1000))
return tonumber(ARGV[1])
