-- Write down what a request came to.
-- KEYS: webhooks due (zset), the endpoint's state (hash), queue, flying, failed (zsets), the
--       event, statistics (hashes)
-- ARGV: name, event's id, outcome, what was answered, ms until it is tried again ('' never), ms for
--       which the endpoint is left alone, ms of failing alone after which it is suspended
-- Returns: 'suspended' when that has just happened, else ''.
local due_key, state_key, queue_key, flying_key, failed_key, event_key, stats_key = unpack(KEYS)
local name, event, outcome, answer, again_ms, pause_ms, patience_ms = unpack(ARGV)
local endpoint, now = the_endpoint(2, due_key, name), math.floor(now_us() / 1000)
redis.call('HINCRBY', stats_key, 'w|' .. name .. '|' .. outcome, 1)
redis.call('ZREM', flying_key, event)
local flying = tonumber(redis.call('HGET', state_key, 'flying') or FIRST_FLYING)
local there, suspended = redis.call('EXISTS', event_key) == 1, ''
if there then redis.call('HINCRBY', event_key, 'tries', 1); redis.call('HSET', event_key, 'answer', answer, 'tried_ms', now) end
if outcome == 'ok' then
  if there then redis.call('HSET', event_key, 'done_ms', now) end
  redis.call('ZREM', queue_key, event)
  redis.call('ZREM', failed_key, event)
  redis.call('HDEL', state_key, 'in_row', 'failing_ms', 'until_ms', 'answer')
  redis.call('HSET', state_key, 'ok_ms', now, 'flying', math.min(MOST_FLYING, flying + 1))
else
  if again_ms == '' or not there then redis.call('ZREM', queue_key, event)
  else redis.call('ZADD', queue_key, now + tonumber(again_ms), event) end
  redis.call('ZADD', failed_key, now, event)
  redis.call('HINCRBY', state_key, 'in_row', 1)
  redis.call('HSETNX', state_key, 'failing_ms', now)
  redis.call('HSET', state_key, 'until_ms', now + tonumber(pause_ms), 'answer', answer, 'flying', math.max(1, math.floor(flying / 2)))
  if now - tonumber(redis.call('HGET', state_key, 'failing_ms')) >= tonumber(patience_ms)
      and redis.call('HSETNX', state_key, 'suspended_ms', now) == 1 then suspended = 'suspended' end
end
schedule(endpoint)
return suspended
