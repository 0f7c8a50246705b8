-- End the recipients of an inbox part that was never accepted, for a cancelled or overdue job.
-- KEYS: 1 job (hash), 2 part (hash), 3 due close (zset)
-- ARGV: 1 recipients in the part, 2 count they go to: 'cancelled' or 'expired'
-- Returns: recipients ended.
if redis.call('DEL', KEYS[2]) == 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'taken', 1)
redis.call('HDEL', KEYS[1], 'params')
settle(KEYS[1], { waiting = -tonumber(ARGV[1]), [ARGV[2]] = tonumber(ARGV[1]) }, KEYS[3], math.floor(now_us() / 1000))
return tonumber(ARGV[1])
