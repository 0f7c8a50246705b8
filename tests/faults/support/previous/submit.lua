-- What every script starts with: the clock, positions, packed columns, counts and the closing of jobs.
-- A block is a hash of packed columns: n (8 bytes a number), st (1 letter), at (1 byte: attempts), cd (2 bytes: code), fi (4 bytes: final, epoch s),
-- ac (2 bytes: the account it was sent to instead of its line's; only there when there was one).

local FINAL = { d = true, f = true, x = true, X = true, e = true, c = true, p = true, u = true, U = true }
local COUNT = { w = 'waiting', s = 'sending', q = 'sending', a = 'accepted', d = 'delivered', f = 'undelivered',
  x = 'dead', X = 'dead', e = 'expired', c = 'cancelled', p = 'suppressed', u = 'unknown', U = 'unknown' }
local MOVES = { w = 'secpx', s = 'waxqec', q = 'wadfux', a = 'dfuw', x = 'wX', u = 'wU' }

local function now_us()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end

local function ms_text(us)
  return string.format('%.3f', us / 1000)
end

local function positions(runs)
  local list = {}
  for part in string.gmatch(runs, '[^,]+') do
    local first, last = string.match(part, '^(%d+)-(%d+)$')
    first = tonumber(first or part)
    for position = first, tonumber(last or first) do list[#list + 1] = position end
  end
  return list
end

local function runs_of(list)
  local parts, from = {}, 1
  for i = 1, #list do
    if list[i + 1] ~= list[i] + 1 then
      parts[#parts + 1] = from == i and tostring(list[i]) or (list[from] .. '-' .. list[i])
      from = i + 1
    end
  end
  return table.concat(parts, ',')
end

-- How many positions the runs hold.
local function size_of(runs)
  local size = 0
  for part in string.gmatch(runs, '[^,]+') do
    local first, last = string.match(part, '^(%d+)-(%d+)$')
    size = size + (first and last - first + 1 or 1)
  end
  return size
end

local function split_entry(entry)
  return string.match(entry, '^([^|]*)|(%d+)|(.*)$')
end

-- A column of `width` bytes per recipient as a table of strings, changed in place and written back once.
local function column(text, size, width, blank)
  local cells = {}
  for i = 0, size - 1 do
    local cell = text and string.sub(text, i * width + 1, (i + 1) * width) or blank
    cells[i] = #cell == width and cell or blank
  end
  return cells
end

local function joined(cells, size)
  return size == 0 and '' or table.concat(cells, '', 0, size - 1)
end

-- Call `each` with the first and last position of every stretch of the letter between two positions of a state column.
-- It gives the column back as it is after that.
local function stretches(st, first, last, letter, each)
  local at = first + 1
  while true do
    local a, b = string.find(st, letter .. '+', at)
    if not a or a > last + 1 then return st end
    b = math.min(b, last + 1)
    st = each(st, a - 1, b - 1) or st
    at = b + 1
  end
end

-- A column of `width` bytes per recipient with other cells from position `first` on.
local function spliced(text, width, first, cells)
  return string.sub(text, 1, first * width) .. cells .. string.sub(text, first * width + #cells + 1)
end

local function four_bytes(value)
  return string.char(math.floor(value / 16777216) % 256, math.floor(value / 65536) % 256, math.floor(value / 256) % 256, value % 256)
end

local function number_at(packed, position)
  local a, b, c, d, e, f, g, h = string.byte(packed, position * 8 + 1, position * 8 + 8)
  return string.format('%.0f', ((((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f) * 256 + g) * 256 + h)
end

-- Count a move of `by` recipients (one, unless given) in `deltas` (count name -> change).
local function count_move(deltas, from, to, by)
  local old, new = COUNT[from], COUNT[to]
  if old ~= new then
    deltas[old] = (deltas[old] or 0) - (by or 1)
    deltas[new] = (deltas[new] or 0) + (by or 1)
  end
end

local function may_move(from, to)
  local allowed = MOVES[from]
  return allowed ~= nil and string.find(allowed, to, 1, true) ~= nil
end

-- Close a job when all of it is there and nothing of it is open any more.
local function close_if_over(job_key, closing_key, now_ms)
  local v = redis.call('HMGET', job_key, 'waiting', 'sending', 'accepted', 'complete', 'parts', 'taken', 'closed_ms', 'id')
  local open = tonumber(v[1] or 0) + tonumber(v[2] or 0) + tonumber(v[3] or 0)
  if open == 0 and v[4] == '1' and tonumber(v[6]) >= tonumber(v[5]) and not v[7] then
    redis.call('HSET', job_key, 'closed_ms', now_ms)
    redis.call('ZADD', closing_key, now_ms, v[8])
  end
end

-- Write a job's changed counts and close it when that was the last of it.
local function settle(job_key, deltas, closing_key, now_ms)
  local changed = false
  for name, by in pairs(deltas) do
    if by ~= 0 then redis.call('HINCRBY', job_key, name, by); changed = true end
  end
  if changed then close_if_over(job_key, closing_key, now_ms) end
end

-- Erase a block's params once nothing can need them: no call, no retry, and no requeue, which is over with the job (`over`: it is
-- cancelled or overdue). That there were none is kept, so that a requeue knows that it has all it needs.
local function forget_params(block_key, letters, over)
  if string.find(letters, over and '[wsq]' or '[wsqxu]') then return end
  local held = redis.call('HMGET', block_key, 'p', 'pp')
  if held[1] == '[]' or (held[2] and not string.find(held[2], '[^%[%],]')) then redis.call('HSET', block_key, 'np', 1) end
  redis.call('HDEL', block_key, 'p', 'pp')
end

-- Finish a claimed member of a due set: gone, or due again in so many ms ('' never). Only who still holds the lease may.
local function finish_lease(due_key, member, fence, again_ms)
  local score = tonumber(redis.call('ZSCORE', due_key, member) or -1)
  fence = tonumber(fence)
  -- A later time than the lease's end is the lease of another, who claimed it when this one had ended.
  if score < 0 or score > fence + 0.01 then return 0 end
  local mine = score >= fence - 0.01
  if again_ms == '' then
    if mine then redis.call('ZREM', due_key, member) end
  else
    local due = now_us() / 1000 + tonumber(again_ms)
    if mine or due < score then redis.call('ZADD', due_key, string.format('%.3f', due), member) end
  end
  return mine and 1 or 0
end

-- Put an entry into a line. `front`: before what waits already (a returned entry); else behind it.
local function enqueue(line_key, line, entry, due_key, due_ms, front)
  local edge = front and redis.call('ZRANGE', line_key, 0, 0, 'WITHSCORES') or redis.call('ZRANGE', line_key, -1, -1, 'WITHSCORES')
  local score = tonumber(edge[2] or 0)
  redis.call('ZADD', line_key, score + (front and -1 or 1), entry)
  redis.call('ZADD', due_key, 'LT', due_ms, line)
end

-- Note down through which other accounts recipients of a block go: "first,last,number of the name ...".
local function set_accounts(block_key, size, through)
  if through == '' then return end
  local ac = redis.call('HGET', block_key, 'ac') or string.rep('\0\0', size)
  for first, last, number in string.gmatch(through, '(%d+),(%d+),(%d+)') do
    first, last, number = tonumber(first), tonumber(last), tonumber(number)
    ac = spliced(ac, 2, first, string.rep(string.char(math.floor(number / 256), number % 256), last - first + 1))
  end
  redis.call('HSET', block_key, 'ac', ac)
end
-- Write one part of a job into the inbox, making the job when it is the first to arrive. A part that is there already changes nothing.
-- KEYS: 1 job (hash), 2 part (hash), 3 got (hash), 4 jobs (zset), 5 due inbox (zset), 6 due expire (zset), 7 idempotency (string), 8 due close (zset)
-- ARGV: 1 job id, 2 key or '', 3 part number, 4 recipients, 5 packed numbers, 6 extra json, 7 parts in all or '', 8 spec json, 9 lane,
--       10 start ms or '', 11 ttl ms, 12 pace: numbers a second or 0 (the time it takes is added to the deadline), 13 '1' when parts go out as they come, 14 account, 15 template, 16 params json,
--       17 numbers the part had twice, which are left out
-- Returns: {'other', job} when the key belongs to another job; {'closed'} when the job takes no further part; else {'ok', '1' when complete}.
local job = ARGV[1]
if ARGV[2] ~= '' then
  local owner = redis.call('GET', KEYS[7])
  if owner and owner ~= job then return { 'other', owner } end
  redis.call('SET', KEYS[7], job)
end
local now = math.floor(now_us() / 1000)
if redis.call('EXISTS', KEYS[1]) == 0 then
  local start = tonumber(ARGV[10]) or now
  redis.call('HSET', KEYS[1], 'id', job, 'spec', ARGV[8], 'lane', ARGV[9], 'state', 'open', 'created_ms', now, 'start_ms', start,
    'key', ARGV[2], 'account', ARGV[14], 'template', ARGV[15], 'params', ARGV[16], 'taken', 0, 'pace', ARGV[12], 'stream', ARGV[13])
  redis.call('HSET', KEYS[1], 'deadline_ms', string.format('%.0f', start + tonumber(ARGV[11])))
  redis.call('ZADD', KEYS[6], start + tonumber(ARGV[11]), job)
  redis.call('ZADD', KEYS[4], now, job)
end
local known = redis.call('HMGET', KEYS[1], 'state', 'complete', 'start_ms', 'closed_ms', 'shut')
local new = ARGV[3] ~= '' and redis.call('HEXISTS', KEYS[3], ARGV[3]) == 0
local over = known[1] == 'cancelled' or known[4] or known[5]
if new and (over or known[2] == '1') then return { 'closed' } end
if over then return { 'ok', '1' } end
if new then
  redis.call('HSET', KEYS[3], ARGV[3], ARGV[4])
  redis.call('HSET', KEYS[2], 'n', ARGV[5], 'x', ARGV[6])
  redis.call('HINCRBY', KEYS[1], 'total', ARGV[4])
  redis.call('HINCRBY', KEYS[1], 'waiting', ARGV[4])
  redis.call('HINCRBY', KEYS[1], 'doubled', ARGV[17])
end
if ARGV[7] ~= '' and known[2] ~= '1' then redis.call('HSET', KEYS[1], 'parts', ARGV[7]) end
local parts = redis.call('HGET', KEYS[1], 'parts')
if known[2] ~= '1' and parts and redis.call('HLEN', KEYS[3]) >= tonumber(parts) then
  -- As many as there are: a producer that went on with a job under its key may have cut it into fewer.
  redis.call('HSET', KEYS[1], 'complete', 1, 'parts', redis.call('HLEN', KEYS[3]))
  known[2] = '1'
  if tonumber(ARGV[12]) > 0 then
    local j = redis.call('HMGET', KEYS[1], 'deadline_ms', 'total')
    local deadline = tonumber(j[1]) + math.ceil(tonumber(j[2]) / tonumber(ARGV[12]) * 1000)
    redis.call('HSET', KEYS[1], 'deadline_ms', string.format('%.0f', deadline))
    redis.call('ZADD', KEYS[6], deadline, job)
  end
  close_if_over(KEYS[1], KEYS[8], now)
end
if known[2] == '1' or ARGV[13] == '1' then redis.call('ZADD', KEYS[5], 'LT', math.max(now, tonumber(known[3])), job) end
return { 'ok', known[2] == '1' and '1' or '0' }
