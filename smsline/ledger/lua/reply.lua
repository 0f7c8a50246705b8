-- Keep a reply, once however often and by whichever way it comes, and do in the same step what it says about the suppression list.
-- KEYS: replies (hash), replies by time (zset), suppressions, replies of a number (hashes), then what telling needs (`Keys.telling`)
-- ARGV: reply id, json, received ms, ms before which replies are forgotten, what it does ('stop', 'start' or ''), number by which the list has
--       the phone, scope letter, source, reason
-- Returns: 1 when it is new, else 0.
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
local of_number = redis.call('HGET', KEYS[4], ARGV[6])
redis.call('HSET', KEYS[4], ARGV[6], (of_number and of_number .. ' ' or '') .. ARGV[1])
local outbox = the_outbox(5)
tell(outbox, 'reply.received', ARGV[2])
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[4], 'LIMIT', 0, 100)) do
  -- What a number wrote is forgotten from its oldest on, as all is; so its first id is the one that goes.
  local number = string.match(redis.call('HGET', KEYS[1], old) or '', '"phone":(%d+)')
  local left = number and string.match(redis.call('HGET', KEYS[4], number) or '', '^%x+ (.+)$')
  if left then redis.call('HSET', KEYS[4], number, left) elseif number then redis.call('HDEL', KEYS[4], number) end
  redis.call('HDEL', KEYS[1], old)
  redis.call('ZREM', KEYS[2], old)
end
if ARGV[5] == '' then return 1 end
local entries = suppressions_of(redis.call('HGET', KEYS[3], ARGV[6]))
local kind = suppression_kind(ARGV[8])
if ARGV[5] == 'start' then entries[kind] = nil
elseif not entries[kind] or SCOPES[entries[kind].scope] < SCOPES[ARGV[7]] then
  entries[kind] = { scope = ARGV[7], at = ARGV[3], source = ARGV[8], reason = ARGV[9] }
  tell_opt_out(outbox, ARGV[6], entries[kind])
end
write_suppressions(KEYS[3], ARGV[6], entries)
return 1
