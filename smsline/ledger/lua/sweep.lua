-- End the waiting recipients of one block of a cancelled or overdue job.
-- KEYS: 1 block, 2 job (hashes), 3 due close (zset)
-- ARGV: 1 letter: 'c' or 'e'
-- Returns: recipients ended.
local b = redis.call('HMGET', KEYS[1], 'st', 'fi')
if not b[1] then return 0 end
local now, size, ended = math.floor(now_us() / 1000), #b[1], 0
local st, fi = column(b[1], size, 1), column(b[2], size, 4, '\0\0\0\0')
for position = 0, size - 1 do
  if st[position] == 'w' then
    st[position] = ARGV[1]
    fi[position] = four_bytes(math.floor(now / 1000))
    ended = ended + 1
  end
end
local letters = joined(st, size)
forget_params(KEYS[1], letters, true)
if ended == 0 then return 0 end
redis.call('HSET', KEYS[1], 'st', letters, 'fi', joined(fi, size))
settle(KEYS[2], { waiting = -ended, [COUNT[ARGV[1]]] = ended }, KEYS[3], now)
return ended
