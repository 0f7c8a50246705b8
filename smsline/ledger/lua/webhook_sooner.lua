-- Redis' clock was set back: what an endpoint waits for is due by so much sooner, so that it does
-- not wait for the clock to catch up.
-- KEYS: webhooks due (zset), the endpoint's state (hash), queue, flying (zsets)
-- ARGV: name, by how much the clock was set back, ms, most members of a set that are moved
-- Returns: members moved.
local due_key, name, back, most = KEYS[1], unpack(ARGV)
local endpoint, now, moved = the_endpoint(2, due_key, name), now_us() / 1000, 0
back = tonumber(back)
for _, key in ipairs({ endpoint.queue, endpoint.flying }) do
  local late = redis.call('ZRANGEBYSCORE', key, '(' .. string.format('%.3f', now), '+inf', 'WITHSCORES', 'LIMIT', 0, most)
  for i = 1, #late, 2 do
    redis.call('ZADD', key, string.format('%.3f', math.max(now, tonumber(late[i + 1]) - back)), late[i])
  end
  moved = moved + #late / 2
end
local until_ms = tonumber(redis.call('HGET', endpoint.state, 'until_ms') or 0)
if until_ms > now then redis.call('HSET', endpoint.state, 'until_ms', math.floor(math.max(now, until_ms - back))) end
schedule(endpoint)
return moved
