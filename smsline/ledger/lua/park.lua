-- Park an account or a template of it, or keep it parked and note the newest code.
-- KEYS: 1 park (hash)
-- ARGV: 1 account, 2 template ('' the whole account), 3 code, 4 ms until a probe, 5 message
-- Returns: 1 when it was not parked before.
local now = math.floor(now_us() / 1000)
local new = redis.call('HSETNX', KEYS[1], 'since_ms', now)
redis.call('HSET', KEYS[1], 'account', ARGV[1], 'template', ARGV[2], 'code', ARGV[3], 'message', ARGV[5])
if new == 1 or ARGV[4] == '0' then redis.call('HSET', KEYS[1], 'probe_ms', now + tonumber(ARGV[4])) end
return new
