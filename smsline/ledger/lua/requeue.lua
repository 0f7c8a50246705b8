-- Send the undelivered, dead and unknown recipients of one block again, or drop them from the dead
-- letter; asked twice it does nothing more.
-- KEYS: the book, block, job, dead, names of codes (hashes), batch queue, due
--       send of the lane (zsets)
-- ARGV: 'requeue' or 'drop', account at which they ended, block id, job id, batch queue, code ('-'
--       for none), the batch queue's account, letter of the state to take
-- Returns: {recipients, why none: '' | 'params' when they are erased | 'deadline' when it has
--          passed | 'cancelled'}.
local book = the_book()
local block_key, job_key, dead_key, names_key, queue_key, send_key = unpack(KEYS, BOOK + 1, BOOK + 6)
local what, account, block, job, queue, code, home, wanted = unpack(ARGV)
local b = redis.call('HMGET', block_key, 'st', 'cd', 'at', 'fi', 'p', 'pp', 'np', 'ac', 'rt')
if not b[1] then return { 0, '' } end
local now = math.floor(now_us() / 1000)
local j = redis.call('HMGET', job_key, 'state', 'deadline_ms', 'closed_ms', 'created_ms')
local again = what == 'requeue'
if again and j[1] == 'cancelled' then return { 0, 'cancelled' } end
if again and j[2] and tonumber(j[2]) <= now then return { 0, 'deadline' } end
local size = #b[1]
local st, cd = column(b[1], size, 1), column(b[2], size, 2, '\0\0')
local at, fi = column(b[3], size, 1, '\0'), column(b[4], size, 4, '\0\0\0\0')
local list, deltas, gone = {}, {}, {}
local ac = b[8] and column(b[8], size, 2, '\0\0')
local rt = b[9] and column(b[9], size, 1, '\0')

local function name_of(cell)
  return redis.call('HGET', names_key, string.byte(cell, 1) * 256 + string.byte(cell, 2))
end

-- Whether a recipient ended at the account that is asked for.
local function ended_there(p)
  return (ac and ac[p] ~= '\0\0' and name_of(ac[p]) or home) == account
end

for p = 0, size - 1 do
  local old = st[p]
  if old == wanted then
    local name = name_of(cd[p]) or '-'
    if code == name and ended_there(p) then
      local to = again and 'w' or string.upper(old)
      list[#list + 1] = p
      st[p] = to
      count_move(deltas, old, to)
      local field = account .. ' ' .. name .. ' ' .. job .. ' ' .. old
      gone[field] = (gone[field] or 0) + 1
      if again and ac then ac[p] = '\0\0' end
      if again and rt then rt[p] = '\0' end
      if again then at[p], cd[p], fi[p] = '\0', '\0\0', '\0\0\0\0' end
    end
  end
end
if #list == 0 then return { 0, '' } end
if again and not (b[5] or b[6] or b[7]) then return { 0, 'params' } end
redis.call('HSET', block_key, 'st', joined(st, size), 'cd', joined(cd, size), 'at', joined(at, size), 'fi', joined(fi, size))
if ac then redis.call('HSET', block_key, 'ac', joined(ac, size)) end
if rt then redis.call('HSET', block_key, 'rt', joined(rt, size)) end
for field, by in pairs(gone) do
  -- Counted by an older version, which did not name the state.
  if redis.call('HEXISTS', dead_key, field) == 0 then field = string.sub(field, 1, -3) end
  count_dead(book, dead_key, field, -by)
end
if again then
  if j[3] then
    redis.call('HDEL', job_key, 'closed_ms')
    redis.call('ZREM', book.closing, job)
    redis.call('ZADD', book.open, j[4], job)
    if j[2] then redis.call('ZADD', book.expire, 'NX', j[2], job) end
  end
  grow(book, 'r|' .. account .. '|' .. string.match(queue, '^[^|]*') .. '|requeued', #list)
  settle(book, job_key, deltas, now)
  enqueue(queue_key, queue, job .. '|' .. block .. '|' .. runs_of(list), send_key, now, false)
else
  write_grown(book)
  forget_params(block_key, joined(st, size))
end
return { #list, '' }
