-- Take the next due event of an endpoint for one request.
-- KEYS: webhooks due (zset), the endpoint's state (hash), queue, flying (zsets)
-- ARGV: name, ms for which the request is believed to be under way
-- Returns: {the event's id, or '' when none is due or enough are under way, the
--          present in epoch s}.
local due_key, name, lease_ms = KEYS[1], unpack(ARGV)
local endpoint = the_endpoint(2, due_key, name)
local now = now_us() / 1000
redis.call('ZREMRANGEBYSCORE', endpoint.flying, '-inf', string.format('%.3f', now))
local state = redis.call('HMGET', endpoint.state, 'suspended_ms', 'in_row', 'until_ms', 'flying')
local head = redis.call('ZRANGE', endpoint.queue, 0, 0, 'WITHSCORES')
local event = ''
if head[1] and tonumber(head[2]) <= now + 0.5 and tonumber(state[3] or 0) <= now
    and redis.call('ZCARD', endpoint.flying) < may_fly(state) then
  local over = string.format('%.3f', now + tonumber(lease_ms))
  event = head[1]
  redis.call('ZADD', endpoint.flying, over, event)
  redis.call('ZADD', endpoint.queue, over, event)
end
schedule(endpoint)
return { event, math.floor(now / 1000) }
