-- Take entries out of a batch queue of which no recipient waits any more; else only a call for the
-- batch queue would find that out.
-- KEYS: batch queue (zset), size (string), due send of the lane (zset), then per
--       entry its block (hash)
-- ARGV: batch queue id, then the entries
-- Returns: entries taken out.
local FIRST_BLOCK = 3
local queue_key, size_key, send_key = unpack(KEYS, 1, FIRST_BLOCK)
local queue, dropped = ARGV[1], 0
for i = 1, #ARGV - 1 do
  local entry, waits = ARGV[i + 1], false
  local _, _, runs = split_entry(entry)
  local letters = redis.call('HGET', KEYS[FIRST_BLOCK + i], 'st') or ''
  each_run(runs, function(first, last) waits = waits or string.find(string.sub(letters, first + 1, last + 1), 'w', 1, true) end)
  if not waits then dropped = dropped + redis.call('ZREM', queue_key, entry) end
end
if redis.call('EXISTS', queue_key) == 0 then
  redis.call('ZREM', send_key, queue)
  redis.call('DEL', size_key)
end
return dropped
