-- Move entries that waited for a time, or for a paused job, into their batch queues.
-- KEYS: from (zset of "batch queue entry"), then per member: batch queue, due
--       send of its lane (zsets)
-- ARGV: the latest ms to move ('' any), then the members
-- Returns: members moved; those another worker moved, or that were put off meanwhile, are not.
local from_key, when = KEYS[1], ARGV[1]
local now, moved = now_us() / 1000, 0
for i = 1, #ARGV - 1 do
  local member = ARGV[i + 1]
  local score = redis.call('ZSCORE', from_key, member)
  if score and (when == '' or tonumber(score) <= now) then
    local queue, entry = string.match(member, '^(%S+) (%S+)$')
    redis.call('ZREM', from_key, member)
    enqueue(KEYS[i * 2], queue, entry, KEYS[i * 2 + 1], string.format('%.3f', now), true)
    moved = moved + 1
  end
end
return moved
