-- What every script starts with: clock, positions, packed columns, counts, ends of jobs, buckets.
-- FINAL, COUNT and MOVES stand before this: they are made of `smsline/states.py`.
-- A block is a hash of packed columns: n (8 bytes a number), st (1 letter), at (1 byte: attempts),
-- cd (2 bytes: code), fi (4 bytes: final, epoch s), ac (2 bytes: the account it was sent to instead
-- of its batch queue's), rt (1 byte: further tries after a failed receipt), ua (4 bytes: tries, and
-- the attempt that it is in doubt for); the last three are only there when there was one.

local function now_us()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end

-- The ledger's layout; nil when nothing is in it. The first had no number, but counters of ids.
local function layout_of(version_key, ids_key)
  local found = redis.call('GET', version_key)
  if found then return found end
  return (redis.call('HEXISTS', ids_key, 'block') + redis.call('HEXISTS', ids_key, 'attempt') > 0) and '1' or nil
end

-- Formatted, never `..` or tostring: Lua writes a number with 14 digits, and a time in ms with its
-- fraction has 16. Two members of a due set would get the same score, and a lease's end another
-- value than its fence.
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

-- Call `each` with the first and the last position of every run.
local function each_run(runs, each)
  for part in string.gmatch(runs, '[^,]+') do
    local first, last = string.match(part, '^(%d+)-(%d+)$')
    first = tonumber(first or part)
    each(first, tonumber(last or first))
  end
end

-- Positions of two lists, each once, ascending.
local function united(some, others)
  local list, seen = {}, {}
  for _, each in ipairs({ some, others }) do
    for _, position in ipairs(each) do
      if not seen[position] then
        seen[position] = true
        list[#list + 1] = position
      end
    end
  end
  table.sort(list)
  return list
end

local function split_entry(entry)
  return string.match(entry, '^([^|]*)|(%d+)|(.*)$')
end

-- Strings in Lua cannot be changed in place: 200 changes of a column would copy it 200 times.
-- A column of `width` bytes per recipient as a table of strings; changed in place, written once.
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

-- Call `each` with first and last position of each stretch of the letter in a part of a column.
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

-- As a double: E.164 has 15 digits at most, 2^53 has 16, so every number is exact; '%.0f' because
-- tostring would round it (see ms_text).
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

-- Where it is written that jobs change and end. Every script that settles recipients has these keys
-- first, in this order (`Keys.book`).
local BOOK = 7

-- Where events for webhooks are written, from key `at` on (`Keys.telling`).
local function the_outbox(at)
  return { wants = KEYS[at], outbox = KEYS[at + 1], webhooks_due = KEYS[at + 2], wanted = {} }
end

local function the_book()
  local book = the_outbox(5)
  book.closing, book.expire, book.open, book.stats, book.grown, book.ended = KEYS[1], KEYS[2], KEYS[3], KEYS[4], {}, {}
  return book
end

-- Whether any endpoint wants to hear of this kind of event; without one, telling costs this look.
local function is_wanted(book, kind)
  if book.wanted[kind] == nil then book.wanted[kind] = redis.call('HEXISTS', book.wants, kind) == 1 end
  return book.wanted[kind]
end

-- So long an event waits for others at most, so that rows go out together and yet within a second.
local TELL_AFTER_MS = 500

-- Write an event into the outbox, in the step that makes it true. NX: who is fanning the outbox out
-- goes on until it is empty.
local function tell(book, kind, text)
  if not is_wanted(book, kind) then return end
  redis.call('XADD', book.outbox, '*', kind, text)
  redis.call('ZADD', book.webhooks_due, 'NX', ms_text(now_us() + TELL_AFTER_MS * 1000), 'outbox')
end

-- `<job>|<block>` of recipients, from their keys.
local function entry_name(job_key, block_key)
  return string.match(job_key, 'job:([a-z0-9]+)$') .. '|' .. string.match(block_key, 'block:(%d+)$')
end

-- Tell which recipients have ended, block by block.
local function tell_ended(book)
  for name, list in pairs(book.ended) do
    table.sort(list)
    tell(book, 'recipients.final', name .. '|' .. runs_of(list))
  end
  book.ended = {}
end

-- By how much a counter of the statistics (`smsline/ledger/statistics.py`) grew; for `settle`.
local function grow(book, field, by)
  book.grown[field] = (book.grown[field] or 0) + by
end

-- Templates come from producers, in any number; beyond this many counters the new ones are one.
local MOST_COUNTERS = 20000

local function write_grown(book)
  for field, by in pairs(book.grown) do
    if by ~= 0 then
      if string.sub(field, 1, 2) == 't|' and redis.call('HLEN', book.stats) >= MOST_COUNTERS
          and redis.call('HEXISTS', book.stats, field) == 0 then
        field = string.gsub(field, '^(t|[^|]*|)[^|]*', '%1other')
      end
      redis.call('HINCRBY', book.stats, field, by)
    end
  end
  book.grown = {}
end

-- Recipients of a block, from position `first` to `last`, have come into a state. `block`: name
-- (`<job>|<block>`), account, queue, co (2 letters of the country of all of them, or 2 for each;
-- nil: mainland China).
local function count_states(book, block, first, last, letter)
  local state, by = COUNT[letter], last - first + 1
  if FINAL[letter] and is_wanted(book, 'recipients.final') then
    local ended = book.ended[block.name] or {}
    book.ended[block.name] = ended
    for p = first, last do ended[#ended + 1] = p end
  end
  -- The names are made once a block and state: a page of receipts comes here once a receipt.
  block.fields = block.fields or {}
  local fields = block.fields[letter]
  if not fields then
    local lane, template = string.match(block.queue, '^([^|]*)|[^|]*|([^|~]*)')
    fields = { 'r|' .. block.account .. '|' .. lane .. '|' .. state, 't|' .. block.account .. '|' .. template .. '|' .. state }
    if not block.co or #block.co == 2 then fields[3] = 'c|' .. block.account .. '|' .. (block.co or 'CN') .. '|' .. state end
    block.fields[letter] = fields
  end
  for _, field in ipairs(fields) do grow(book, field, by) end
  if not fields[3] then
    for p = first, last do grow(book, 'c|' .. block.account .. '|' .. string.sub(block.co, p * 2 + 1, p * 2 + 2) .. '|' .. state, 1) end
  end
end

-- Recipients of a job came into the dead letter, or left it, under "account code job letter". The
-- statistics know how many there are of each account, code and letter over all jobs, so that the
-- jobs need not be added up.
local function count_dead(book, dead_key, field, by)
  if redis.call('HINCRBY', dead_key, field, by) <= 0 then redis.call('HDEL', dead_key, field) end
  -- A code may have blanks (SMSPartner's `not delivered`); a job's id is longer than a letter.
  local account, code, letter = string.match(field, '^(%S*) (.*) %S%S+ ?(%a?)$')
  grow(book, 'd|' .. account .. '|' .. code .. '|' .. (letter == '' and 'x' or letter), by)
end

-- So many times of about `ms` were seen; `histogram` with its labels. Bounds are powers of two.
local function count_time(book, histogram, ms, times)
  local exponent, bound = 3, 8
  while bound < ms and exponent <= 28 do exponent, bound = exponent + 1, bound * 2 end
  grow(book, 'h|' .. histogram .. '|' .. (exponent > 28 and 'inf' or exponent), times)
  grow(book, 'h|' .. histogram .. '|sum', math.floor(math.max(0, ms)) * times)
end

-- Close a job when all of it is there and nothing of it is open any more.
local function close_if_over(book, job_key, now_ms)
  local v = redis.call('HMGET', job_key, 'waiting', 'sending', 'accepted', 'complete', 'parts', 'taken', 'closed_ms', 'id',
    'dead', 'unknown', 'undelivered')
  local open = tonumber(v[1] or 0) + tonumber(v[2] or 0) + tonumber(v[3] or 0)
  if open ~= 0 or v[4] ~= '1' or tonumber(v[6]) < tonumber(v[5]) or v[7] then return end
  redis.call('HSET', job_key, 'closed_ms', now_ms)
  redis.call('HDEL', job_key, 'waiting', 'sending', 'accepted', 'vt', 'pace_level', 'pace_ms', 'pace_tail', 'first_total',
    'distinct')
  redis.call('ZADD', book.closing, now_ms, v[8])
  redis.call('ZREM', book.open, v[8])
  tell(book, 'job.closed', v[8])
  -- What a person may send again keeps its params to the job's deadline, which erases them.
  if tonumber(v[9] or 0) + tonumber(v[10] or 0) + tonumber(v[11] or 0) == 0 then redis.call('ZREM', book.expire, v[8]) end
end

-- What settled recipients mean for their job: its counts, with what else of it is a sum, and its
-- end when they were the last.
-- `lane`: the job's, where it is at hand.
local function settle(book, job_key, deltas, now_ms, lane)
  local names, counts = {}, {}
  for name, by in pairs(deltas) do if by ~= 0 then names[#names + 1] = name end end
  if (deltas.waiting or 0) ~= 0 then grow(book, 'g|' .. (lane or redis.call('HGET', job_key, 'lane') or '') .. '|waiting', deltas.waiting) end
  write_grown(book)
  tell_ended(book)
  if #names == 0 then return end
  -- Read and written as a whole: a read costs Redis a tenth of a write, which goes into its file
  -- and to its replicas as a command of its own.
  for i, held in ipairs(redis.call('HMGET', job_key, unpack(names))) do
    counts[i * 2 - 1], counts[i * 2] = names[i], string.format('%.0f', tonumber(held or 0) + deltas[names[i]])
  end
  redis.call('HSET', job_key, unpack(counts))
  close_if_over(book, job_key, now_ms)
end

-- Erase a block's params once nothing can need them: no call, no retry after a receipt, and no
-- requeue, which are over with the job (`over`: it is cancelled or overdue). That there were none
-- is kept, so that a requeue knows that it has all it needs.
local function forget_params(block_key, letters, over)
  if string.find(letters, over and '[wsq]' or '[wsqafxu]') then return end
  local held = redis.call('HMGET', block_key, 'p', 'pp')
  if held[1] == '[]' or (held[2] and not string.find(held[2], '[^%[%],]')) then redis.call('HSET', block_key, 'np', 1) end
  redis.call('HDEL', block_key, 'p', 'pp')
end

-- Whether every code ("number name", a line each) still has the number it is about to be written
-- as. Numbers are kept by processes, and a Redis that lost its last writes may have given one of
-- them to another code since.
local function codes_hold(names_key, lines)
  for number, name in string.gmatch(lines, '(%d+) ([^\n]*)') do
    if redis.call('HGET', names_key, number) ~= name then return false end
  end
  return true
end

-- Finish a claimed member of a due set: gone, or due again in so many ms ('' never). Only who still
-- holds the lease may.
local function finish_lease(due_key, member, fence, again_ms)
  local score = tonumber(redis.call('ZSCORE', due_key, member) or -1)
  fence = tonumber(fence)
  -- A time later than the lease's end is another's lease, who claimed it when this one had ended.
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

-- Take tokens of a bucket at `us`. `terms`: rate (micro-tokens a ms), burst, floor left to others,
-- cost (micro-tokens), expiry_s.
-- Returns 0 when they were taken, else the ms after which it is worth asking again.
-- A clock that was set back neither fills nor freezes the bucket, and keeps it shut for no
-- longer than was said.
local function take_tokens(key, us, terms)
  local now = math.floor(us / 1000)
  local b = redis.call('HMGET', key, 'level', 'us', 'shut_ms', 'shut_for')
  local shut = tonumber(b[3] or 0) - now
  if shut > 0 then
    local most = tonumber(b[4] or shut)
    if shut > most then redis.call('HSET', key, 'shut_ms', now + most) end
    return math.min(shut, most)
  end
  local last = tonumber(b[2] or us)
  local level = math.min(terms.burst, tonumber(b[1] or terms.burst) + math.max(0, math.floor((us - last) * terms.rate / 1000)))
  local taken = level >= terms.cost + terms.floor
  if taken or us < last then
    redis.call('HSET', key, 'level', string.format('%.0f', taken and level - terms.cost or level), 'us', string.format('%.0f', us))
    -- Once a minute will do, of the ten for which it is kept.
    if not b[2] or math.floor(us / 6e7) ~= math.floor(last / 6e7) then redis.call('EXPIRE', key, terms.expiry_s) end
  end
  return taken and 0 or math.ceil((terms.cost + terms.floor - level) / terms.rate)
end

-- Put an entry into a batch queue. `front`: before what waits already (a returned
-- entry); else behind it.
local function enqueue(queue_key, queue, entry, due_key, due_ms, front)
  local edge = front and redis.call('ZRANGE', queue_key, 0, 0, 'WITHSCORES') or redis.call('ZRANGE', queue_key, -1, -1, 'WITHSCORES')
  local score = tonumber(edge[2] or 0)
  redis.call('ZADD', queue_key, score + (front and -1 or 1), entry)
  redis.call('ZADD', due_key, 'LT', due_ms, queue)
end

-- Note down through which other accounts recipients of a block go:
-- "first,last,number of the name ...".
local function set_accounts(block_key, size, through)
  if through == '' then return end
  local ac = redis.call('HGET', block_key, 'ac') or string.rep('\0\0', size)
  for first, last, number in string.gmatch(through, '(%d+),(%d+),(%d+)') do
    first, last, number = tonumber(first), tonumber(last), tonumber(number)
    ac = spliced(ac, 2, first, string.rep(string.char(math.floor(number / 256), number % 256), last - first + 1))
  end
  redis.call('HSET', block_key, 'ac', ac)
end

-- What stands on the suppression list about a number: a line for each kind of source, tab separated
-- scope letter, ms, source and reason, the widest scope first, so that `begin` looks at one byte.
local SCOPES = { m = 1, n = 2, a = 3 }

local function suppression_kind(source)
  return string.match(source, '^%S+')
end

local function suppressions_of(held)
  local entries = {}
  for scope, at, source, reason in string.gmatch(held or '', '(%a)\t(%d+)\t([^\t\n]*)\t([^\n]*)') do
    entries[suppression_kind(source)] = { scope = scope, at = at, source = source, reason = reason }
  end
  return entries
end

local function tell_opt_out(book, number, entry)
  tell(book, 'number.opted_out', table.concat({ entry.at, number, entry.scope, entry.source, entry.reason }, '\t'))
end

local function write_suppressions(key, number, entries)
  local lines = {}
  for _, scope in ipairs({ 'a', 'n', 'm' }) do
    for _, entry in pairs(entries) do
      if entry.scope == scope then lines[#lines + 1] = table.concat({ scope, entry.at, entry.source, entry.reason }, '\t') end
    end
  end
  if #lines == 0 then redis.call('HDEL', key, number) else redis.call('HSET', key, number, table.concat(lines, '\n')) end
end
