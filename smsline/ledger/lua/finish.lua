-- Finish a claimed member of a due set: gone, or due again later. Only who still holds the lease may; work that came meanwhile is kept.
-- KEYS: 1 due set (zset)
-- ARGV: 1 member, 2 fence: the lease end it was claimed with, 3 due again in ms ('' never)
-- Returns: 1, or 0 when the lease was lost or the member was made due in the meantime.
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or math.abs(tonumber(score) - tonumber(ARGV[2])) > 0.01 then return 0 end
if ARGV[3] == '' then redis.call('ZREM', KEYS[1], ARGV[1])
else redis.call('ZADD', KEYS[1], string.format('%.3f', now_us() / 1000 + tonumber(ARGV[3])), ARGV[1]) end
return 1
