-- Pause, resume or cancel a job. An incomplete job that is cancelled takes no further part.
-- A job that goes on is looked at again, but not before its start, nor before it is complete.
-- KEYS: 1 job (hash), 2 due inbox, 3 due expire, 4 due close (zsets), 5 got (hash)
-- ARGV: 1 job id, 2 the state asked for: 'open', 'paused' or 'cancelled'
-- Returns: {state before, state now}; {} when there is no such job.
local was = redis.call('HMGET', KEYS[1], 'state', 'closed_ms', 'complete', 'stream', 'start_ms')
if not was[1] then return {} end
if was[2] or was[1] == 'cancelled' then return { was[1], was[2] and was[1] ~= 'cancelled' and 'closed' or was[1] } end
redis.call('HSET', KEYS[1], 'state', ARGV[2])
local now = math.floor(now_us() / 1000)
if ARGV[2] == 'cancelled' then
  if was[3] ~= '1' then redis.call('HSET', KEYS[1], 'complete', 1, 'parts', redis.call('HLEN', KEYS[5])) end
  redis.call('HDEL', KEYS[1], 'params')
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('ZADD', KEYS[3], now, ARGV[1])
  close_if_over(KEYS[1], KEYS[4], now)
elseif ARGV[2] == 'open' and (was[3] == '1' or was[4] == '1') then
  redis.call('ZADD', KEYS[2], 'LT', math.max(now, tonumber(was[5])), ARGV[1])
end
return { was[1], ARGV[2] }
