-- End the waiting recipients of one block of a cancelled or overdue job.
-- KEYS: the book, block, job (hashes)
-- ARGV: letter: 'c' or 'e'
-- Returns: recipients ended.
local book = the_book()
local block_key, job_key = unpack(KEYS, BOOK + 1, BOOK + 2)
local letter = ARGV[1]
local b = redis.call('HMGET', block_key, 'st', 'fi', 'queue', 'co')
if not b[1] then return 0 end
local now, size, ended = math.floor(now_us() / 1000), #b[1], 0
local about = { name = entry_name(job_key, block_key), account = string.match(b[3], '^[^|]*|([^|]*)'), queue = b[3], co = b[4] or nil }
local st, fi = column(b[1], size, 1), column(b[2], size, 4, '\0\0\0\0')
for position = 0, size - 1 do
  if st[position] == 'w' then
    st[position] = letter
    fi[position] = four_bytes(math.floor(now / 1000))
    ended = ended + 1
    count_states(book, about, position, position, letter)
  end
end
local letters = joined(st, size)
forget_params(block_key, letters, true)
if ended == 0 then return 0 end
redis.call('HSET', block_key, 'st', letters, 'fi', joined(fi, size))
settle(book, job_key, { waiting = -ended, [COUNT[letter]] = ended }, now)
return ended
