-- End the fanning out of the outbox: it is due again when something is left in it.
-- KEYS: outbox (stream), webhooks due (zset)
-- ARGV: ms until it is looked at again
if redis.call('XLEN', KEYS[1]) == 0 then return redis.call('ZREM', KEYS[2], 'outbox') end
return redis.call('ZADD', KEYS[2], ms_text(now_us() + tonumber(ARGV[1]) * 1000), 'outbox')
