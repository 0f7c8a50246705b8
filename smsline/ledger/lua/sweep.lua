-- End the waiting recipients of one block of a cancelled or overdue job.
-- KEYS: the book, block, job (hashes)
-- ARGV: letter: 'c' or 'e'
-- Returns: recipients ended.
local book = the_book()
local block_key, job_key = unpack(KEYS, BOOK + 1, BOOK + 2)
local letter = ARGV[1]
local b = redis.call('HMGET', block_key, 'st', 'fi', 'queue', 'co')
if not b[1] then return 0 end
local now, size, ended, fi = math.floor(now_us() / 1000), #b[1], 0, b[2]
local about = { name = entry_name(job_key, block_key), account = string.match(b[3], '^[^|]*|([^|]*)'), queue = b[3], co = b[4] or nil }
-- By stretches: a cancelled campaign has a thousand blocks, and mostly all of each waits.
local st = stretches(b[1], 0, size - 1, 'w', function(letters, first, last)
  local count = last - first + 1
  ended = ended + count
  count_states(book, about, first, last, letter)
  fi = spliced(fi or string.rep('\0\0\0\0', size), 4, first, string.rep(four_bytes(math.floor(now / 1000)), count))
  return spliced(letters, 1, first, string.rep(letter, count))
end)
forget_params(block_key, st, true)
if ended == 0 then return 0 end
redis.call('HSET', block_key, 'st', st, 'fi', fi)
settle(book, job_key, { waiting = -ended, [COUNT[letter]] = ended }, now)
return ended
