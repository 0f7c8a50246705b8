-- Let recipients of a claim that was not begun go through other accounts; the rest stays claimed.
-- KEYS: 1 attempt (hash), 2 due lease (zset), 3 the account that gives them up (hash), then per move: batch queue, due send of its lane (zsets), block (hash)
-- ARGV: 1 attempt id, 2 entries that stay (text, may be empty), 3 field under which the account counts them, then per move: batch queue, entry, first and
--       last position and number of the account's name of each stretch of it ("first,last,number ...")
-- Returns: recipients moved, 0 when asked again; -1 when the claim is no longer held.
local held = redis.call('HMGET', KEYS[1], 'state', 'entries')
if held[1] ~= 'claimed' then return -1 end
if held[2] == ARGV[2] then return 0 end
local now, moved = string.format('%.3f', now_us() / 1000), 0
for i = 1, (#KEYS - 3) / 3 do
  local queue, entry, through = ARGV[i * 3 + 1], ARGV[i * 3 + 2], ARGV[i * 3 + 3]
  local block_key = KEYS[i * 3 + 3]
  local st = redis.call('HGET', block_key, 'st')
  if st then
    set_accounts(block_key, #st, through)
    enqueue(KEYS[i * 3 + 1], queue, entry, KEYS[i * 3 + 2], now, true)
    local _, _, runs = split_entry(entry)
    moved = moved + size_of(runs)
  end
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[1], 'entries', ARGV[2])
end
if moved > 0 then redis.call('HINCRBY', KEYS[3], ARGV[3], moved) end
return moved
