-- End the fanning out of the outbox: it is due again when something is left in it.
-- KEYS: outbox (stream), webhooks due (zset)
-- ARGV: ms until it is looked at again
-- Returns: nothing that is read.
local outbox_key, due_key, in_ms = KEYS[1], KEYS[2], tonumber(ARGV[1])
if redis.call('XLEN', outbox_key) == 0 then return redis.call('ZREM', due_key, 'outbox') end
return redis.call('ZADD', due_key, ms_text(now_us() + in_ms * 1000), 'outbox')
