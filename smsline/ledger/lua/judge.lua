-- Count calls of an account that went well and one that failed; when too many fail, others stand in for the account for a while.
-- KEYS: standing (hash)
-- ARGV: calls that went well since the last count, code of the failed one, failures from which on others stand in,
--       ms after which half of a count is forgotten, ms for which they stand in, ms until all of the share is back after that
-- Returns: 1 when others stand in from now on.
local key = KEYS[1]
local well, code, failures, half_ms, out_for_ms, back_ms = unpack(ARGV)
local now = now_us() / 1000
local s = redis.call('HMGET', key, 'good', 'bad', 'at_ms', 'out_ms')
local left = 0.5 ^ (math.max(0, now - tonumber(s[3] or now)) / tonumber(half_ms))
local good = tonumber(s[1] or 0) * left + tonumber(well)
local bad = tonumber(s[2] or 0) * left + 1
local out = bad >= tonumber(failures) - 0.5 and bad >= good and tonumber(s[4] or 0) <= now
if out then
  good, bad = 0, 0
  local out_ms = now + tonumber(out_for_ms)
  redis.call('HSET', key, 'since_ms', string.format('%.0f', now), 'out_ms', string.format('%.0f', out_ms),
    'back_ms', string.format('%.0f', out_ms + tonumber(back_ms)), 'code', code)
end
redis.call('HSET', key, 'good', string.format('%.3f', good), 'bad', string.format('%.3f', bad), 'at_ms', string.format('%.0f', now))
local last = math.max(tonumber(redis.call('HGET', key, 'back_ms') or 0) - now, 0)
redis.call('PEXPIRE', key, math.ceil(last + 10 * tonumber(half_ms)))
return out and 1 or 0
