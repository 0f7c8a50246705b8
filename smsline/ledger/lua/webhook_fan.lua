-- Move events from the outbox into the queues of their endpoints. Who read an outbox that another
-- has moved on since changes nothing.
-- KEYS: outbox (stream), webhooks due (zset), webhooks (hash), then the jobs (hashes), then
--       per event: its endpoint's state (hash), queue, flying, kept (zsets), the event
--       (hash), failed (zset)
-- ARGV: id of the outbox' first entry as it was read, last id that is moved, expiry of events s,
--       jobs, per job: field, its last seq;
--       then per event: endpoint's name, its id, event's id, type, body, when it happened ms
-- Returns: 1, or 0 when the outbox was moved on.
local outbox_key, due_key, webhooks_key = unpack(KEYS, 1, 3)
local first, last, expiry_s, jobs = unpack(ARGV, 1, 4)
local head = redis.call('XRANGE', outbox_key, '-', '+', 'COUNT', 1)
if not head[1] or head[1][1] ~= first then return 0 end
jobs = tonumber(jobs)
-- A job that is gone meanwhile stays gone.
for i = 1, jobs do
  local key = KEYS[3 + i]
  if redis.call('EXISTS', key) == 1 then redis.call('HSET', key, ARGV[3 + i * 2], ARGV[4 + i * 2]) end
end
local now = now_us() / 1000
for i = 1, (#KEYS - 3 - jobs) / 6 do
  local at, key_at = 4 + jobs * 2 + (i - 1) * 6, 3 + jobs + (i - 1) * 6
  local name, id, event, kind, body, at_ms = unpack(ARGV, at + 1, at + 6)
  local held = redis.call('HGET', webhooks_key, name)
  if held and string.find(held, id, 1, true) then
    local kept_key, event_key = KEYS[key_at + 4], KEYS[key_at + 5]
    redis.call('HSET', event_key, 'endpoint', name, 'type', kind, 'body', body, 'at', at_ms)
    redis.call('EXPIRE', event_key, expiry_s)
    redis.call('ZADD', kept_key, at_ms, event)
    -- What is kept no more goes from every set, also of an endpoint that is never tried again.
    local gone = string.format('%.0f', now - expiry_s * 1000)
    for _, key in ipairs({ kept_key, KEYS[key_at + 2], KEYS[key_at + 6] }) do redis.call('ZREMRANGEBYSCORE', key, '-inf', gone) end
    -- Events of one step are tried in their order.
    redis.call('ZADD', KEYS[key_at + 2], string.format('%.3f', now + i / 1000), event)
    schedule(the_endpoint(key_at + 1, due_key, name))
  end
end
repeat
  local some = redis.call('XRANGE', outbox_key, '-', last, 'COUNT', 500)
  for _, entry in ipairs(some) do redis.call('XDEL', outbox_key, entry[1]) end
until #some < 500
return 1
