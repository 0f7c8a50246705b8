-- Count calls of an account that went well and one that failed; when too many fail, others stand in for the account for a while.
-- KEYS: 1 standing (hash)
-- ARGV: 1 calls that went well since the last count, 2 code of the failed one, 3 failures from which on others stand in,
--       4 ms after which half of a count is forgotten, 5 ms for which they stand in, 6 ms until all of the share is back after that
-- Returns: 1 when others stand in from now on.
local now = now_us() / 1000
local s = redis.call('HMGET', KEYS[1], 'good', 'bad', 'at_ms', 'out_ms')
local left = 0.5 ^ ((now - tonumber(s[3] or now)) / tonumber(ARGV[4]))
local good = tonumber(s[1] or 0) * left + tonumber(ARGV[1])
local bad = tonumber(s[2] or 0) * left + 1
local out = bad >= tonumber(ARGV[3]) - 0.5 and bad >= good and tonumber(s[4] or 0) <= now
if out then
  good, bad = 0, 0
  local out_ms = now + tonumber(ARGV[5])
  redis.call('HSET', KEYS[1], 'since_ms', string.format('%.0f', now), 'out_ms', string.format('%.0f', out_ms),
    'back_ms', string.format('%.0f', out_ms + tonumber(ARGV[6])), 'code', ARGV[2])
end
redis.call('HSET', KEYS[1], 'good', string.format('%.3f', good), 'bad', string.format('%.3f', bad), 'at_ms', string.format('%.0f', now))
local last = math.max(tonumber(redis.call('HGET', KEYS[1], 'back_ms') or 0) - now, 0)
redis.call('PEXPIRE', KEYS[1], math.ceil(last + 10 * tonumber(ARGV[4])))
return out and 1 or 0
