-- Send events of an endpoint again, which also ends its suspension; or the first time, an event
-- that is for it alone.
-- KEYS: webhooks due (zset), the endpoint's state (hash), queue, flying, kept (zsets),
--       then the events (hashes)
-- ARGV: name, then per event: its id, and for a new one expiry s, type, body; '' each
--       for one that is there
-- Returns: how many are due now.
local FIRST_EVENT = 6
local due_key, kept_key, name = KEYS[1], KEYS[5], ARGV[1]
local endpoint, now, count = the_endpoint(2, due_key, name), now_us() / 1000, 0
redis.call('HDEL', endpoint.state, 'suspended_ms', 'failing_ms', 'in_row', 'until_ms')
for i = 1, #KEYS - FIRST_EVENT + 1 do
  local event_key = KEYS[FIRST_EVENT + i - 1]
  local event, expiry_s, kind, body = unpack(ARGV, i * 4 - 2, i * 4 + 1)
  if expiry_s ~= '' then
    redis.call('HSET', event_key, 'endpoint', name, 'type', kind, 'body', body, 'at', math.floor(now))
    redis.call('EXPIRE', event_key, expiry_s)
    redis.call('ZADD', kept_key, math.floor(now), event)
    -- A trial: a person waits for it, so it goes before all that waits.
    local head = redis.call('ZRANGE', endpoint.queue, 0, 0, 'WITHSCORES')
    now = math.min(now, tonumber(head[2] or now) - 1)
  end
  if redis.call('EXISTS', event_key) == 1 then
    redis.call('HDEL', event_key, 'tries', 'done_ms')
    redis.call('ZADD', endpoint.queue, string.format('%.3f', now + i / 1000), event)
    count = count + 1
  end
end
schedule(endpoint)
return count
