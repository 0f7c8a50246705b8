-- Add an endpoint, or remove one, and count who wants which events.
-- KEYS: webhooks, webhook_wants (hashes), webhooks due (zset), then the keys of the endpoint,
--       which a removal deletes
-- ARGV: 'add' or 'remove', name, the endpoint as json (a removal: as it was read), then the
--       types of events it wants
-- Returns: 1, or 0 when there is such a name already, or the endpoint is not there as it was read.
local webhooks_key, wants_key, due_key = unpack(KEYS, 1, 3)
local what, name, endpoint = unpack(ARGV, 1, 3)
local by = what == 'add' and 1 or -1
if what == 'add' then
  if redis.call('HSETNX', webhooks_key, name, endpoint) == 0 then return 0 end
else
  if redis.call('HGET', webhooks_key, name) ~= endpoint then return 0 end
  redis.call('HDEL', webhooks_key, name)
  redis.call('ZREM', due_key, 'to ' .. name)
  redis.call('DEL', unpack(KEYS, 4))
end
for i = 4, #ARGV do
  if redis.call('HINCRBY', wants_key, ARGV[i], by) <= 0 then redis.call('HDEL', wants_key, ARGV[i]) end
end
return 1
