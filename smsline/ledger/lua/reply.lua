-- Keep a reply, once however often and by whichever way it comes, and do in the same step what it
-- says about the suppression list.
-- KEYS: replies (hash), replies by time (zset), suppressions, replies of a number (hashes), then
--       what telling needs (`Keys.telling`)
-- ARGV: reply id, json, received ms, ms before which replies are forgotten, what it does ('stop',
--       'start' or ''), number by which the list has the phone, scope letter, source, reason
-- Returns: 1 when it is new, else 0.
local replies_key, times_key, suppressions_key, of_number_key = unpack(KEYS, 1, 4)
local id, row, at_ms, oldest_ms, does, number, scope, source, reason = unpack(ARGV)
if redis.call('HSETNX', replies_key, id, row) == 0 then return 0 end
redis.call('ZADD', times_key, at_ms, id)
local of_number = redis.call('HGET', of_number_key, number)
redis.call('HSET', of_number_key, number, (of_number and of_number .. ' ' or '') .. id)
local outbox = the_outbox(5)
tell(outbox, 'reply.received', row)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', times_key, '-inf', '(' .. oldest_ms, 'LIMIT', 0, 100)) do
  -- What a number wrote is forgotten from its oldest on, as all is; so its first id
  -- is the one that goes.
  local other = string.match(redis.call('HGET', replies_key, old) or '', '"phone":(%d+)')
  local left = other and string.match(redis.call('HGET', of_number_key, other) or '', '^%x+ (.+)$')
  if left then redis.call('HSET', of_number_key, other, left) elseif other then redis.call('HDEL', of_number_key, other) end
  redis.call('HDEL', replies_key, old)
  redis.call('ZREM', times_key, old)
end
if does == '' then return 1 end
local entries = suppressions_of(redis.call('HGET', suppressions_key, number))
local kind = suppression_kind(source)
if does == 'start' then entries[kind] = nil
elseif not entries[kind] or SCOPES[entries[kind].scope] < SCOPES[scope] then
  entries[kind] = { scope = scope, at = at_ms, source = source, reason = reason }
  tell_opt_out(outbox, number, entries[kind])
end
write_suppressions(suppressions_key, number, entries)
return 1
