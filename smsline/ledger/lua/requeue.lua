-- Send the dead and unknown recipients of one block again, or drop them from the dead letter; asked twice it does nothing more.
-- KEYS: 1 block, 2 job, 3 dead, 4 names of codes (hashes), 5 batch queue, 6 due send of the lane, 7 due close (zsets)
-- ARGV: 1 'requeue' or 'drop', 2 account at which they ended, 3 block id, 4 job id, 5 batch queue, 6 code ('-' for none), 7 the batch queue's account
-- Returns: {recipients, why none: '' | 'params' when they are erased | 'deadline' when it has passed | 'cancelled'}.
local b = redis.call('HMGET', KEYS[1], 'st', 'cd', 'at', 'fi', 'p', 'pp', 'np', 'ac')
if not b[1] then return { 0, '' } end
local now = math.floor(now_us() / 1000)
local j = redis.call('HMGET', KEYS[2], 'state', 'deadline_ms', 'closed_ms')
local again = ARGV[1] == 'requeue'
if again and j[1] == 'cancelled' then return { 0, 'cancelled' } end
if again and j[2] and tonumber(j[2]) <= now then return { 0, 'deadline' } end
local size = #b[1]
local st, cd = column(b[1], size, 1), column(b[2], size, 2, '\0\0')
local at, fi = column(b[3], size, 1, '\0'), column(b[4], size, 4, '\0\0\0\0')
local list, deltas, gone = {}, {}, {}
local ac = b[8] and column(b[8], size, 2, '\0\0')

local function name_of(cell)
  return redis.call('HGET', KEYS[4], string.byte(cell, 1) * 256 + string.byte(cell, 2))
end

-- Whether a recipient ended at the account that is asked for.
local function ended_there(p)
  return (ac and ac[p] ~= '\0\0' and name_of(ac[p]) or ARGV[7]) == ARGV[2]
end

for p = 0, size - 1 do
  local old = st[p]
  if old == 'x' or old == 'u' then
    local name = name_of(cd[p]) or '-'
    if ARGV[6] == name and ended_there(p) then
      local to = again and 'w' or string.upper(old)
      list[#list + 1] = p
      st[p] = to
      count_move(deltas, old, to)
      local field = ARGV[2] .. ' ' .. name .. ' ' .. ARGV[4]
      gone[field] = (gone[field] or 0) + 1
      if again and ac then ac[p] = '\0\0' end
      if again then at[p], cd[p], fi[p] = '\0', '\0\0', '\0\0\0\0' end
    end
  end
end
if #list == 0 then return { 0, '' } end
if again and not (b[5] or b[6] or b[7]) then return { 0, 'params' } end
redis.call('HSET', KEYS[1], 'st', joined(st, size), 'cd', joined(cd, size), 'at', joined(at, size), 'fi', joined(fi, size))
if ac then redis.call('HSET', KEYS[1], 'ac', joined(ac, size)) end
for field, by in pairs(gone) do
  if redis.call('HINCRBY', KEYS[3], field, -by) <= 0 then redis.call('HDEL', KEYS[3], field) end
end
if again then
  if j[3] then redis.call('HDEL', KEYS[2], 'closed_ms'); redis.call('ZREM', KEYS[7], ARGV[4]) end
  settle(KEYS[2], deltas, KEYS[7], now)
  enqueue(KEYS[5], ARGV[5], ARGV[4] .. '|' .. ARGV[3] .. '|' .. runs_of(list), KEYS[6], now, false)
else
  forget_params(KEYS[1], joined(st, size))
end
return { #list, '' }
