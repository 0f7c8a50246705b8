-- Apply receipts to their recipients; a final recipient keeps its state and the receipt is counted as late.
-- KEYS: the book, account, dead, names of codes (hashes), due later, due probe (zsets), then per block: block, job (hashes), then shards of the serial
--       index (hashes), as the plans name them
-- ARGV: account, blocks, the codes used (lines: "number name"),
--       then per block nine: block id, job id, and a cell for each receipt, in ascending order of positions: positions (1 byte), numbers
--       (8 bytes), letters ('d', 'f', or 'u' when none came in time), codes (2 bytes), final epoch s (4 bytes), notes (lines; '' when there
--       are none: '' or json of the serial, kept with the block), plans (lines; '' when there are none: "nth receipt, delay ms, further tries
--       allowed, number of the account's name that it goes to or 0, shard's place among the KEYS or 0, index field in hex, batch queue")
-- Returns: {applied, late, strangers, tried again}. A stranger's number is not the one the block has at that position.
--          {'codes'} when a code has another number by now: nothing is changed.
local FIRST_BLOCK = BOOK + 5
local book = the_book()
local account_key, dead_key, names_key, later_key, probe_key = unpack(KEYS, BOOK + 1, FIRST_BLOCK)
local account, blocks, codes_used = unpack(ARGV, 1, 3)
if not codes_hold(names_key, codes_used) then return { 'codes' } end
local now = math.floor(now_us() / 1000)
local applied, late, strangers, again = 0, 0, 0, 0
local waited = 'accepted_to_final_seconds|' .. account
local deltas, dead, code_names = {}, {}, {}
local WIDTHS = { 1, 2, 4 }
for number, name in string.gmatch(codes_used, '(%d+) ([^\n]+)') do code_names[tonumber(number)] = name end

-- The three columns of a block, pieced together from what they were and from runs of receipts for positions that follow each other.
local function pieces(old, given)
  local self = { lists = { {}, {}, {} }, upto = 0 }
  function self.run(first_k, last_k, position)
    for c, width in ipairs(WIDTHS) do
      local list = self.lists[c]
      if position > self.upto then list[#list + 1] = string.sub(old[c], self.upto * width + 1, position * width) end
      list[#list + 1] = string.sub(given[c], (first_k - 1) * width + 1, last_k * width)
    end
    self.upto = position + last_k - first_k + 1
  end
  function self.column(c)
    return table.concat(self.lists[c]) .. string.sub(old[c], self.upto * WIDTHS[c] + 1)
  end
  return self
end

local function seconds_at(packed, k)
  local a, b, c, d = string.byte(packed, k * 4 - 3, k * 4)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

-- Failed receipts whose recipients may be tried again become a wait: within the ttl, as often as their lane allows, while the params
-- are there. The other columns follow: who waits has no end yet.
local function planned(e, text)
  e.plans = {}
  if text == '' then return end
  local j = redis.call('HMGET', e.job_key, 'state', 'deadline_ms')
  local held = redis.call('HMGET', e.key, 'rt', 'p', 'pp', 'np')
  if j[1] == 'cancelled' or not (held[2] or held[3] or held[4]) then return end
  e.rt = held[1] or string.rep('\0', #e.st)
  for line in string.gmatch(text, '[^\n]+') do
    local k, delay, limit, through, shard, field, queue = string.match(line, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%x*) (%S+)$')
    k = tonumber(k)
    local position = string.byte(e.positions, k)
    if string.byte(e.rt, position + 1) < tonumber(limit) and now + tonumber(delay) < tonumber(j[2] or math.huge) then
      e.letters = spliced(e.letters, 1, k - 1, 'w')
      e.ends = spliced(e.ends, 4, k - 1, '\0\0\0\0')
      e.plans[k] = { delay = delay, through = tonumber(through), shard = tonumber(shard), field = field, queue = queue }
    end
  end
end

local function code_of(codes, k)
  local high, low = string.byte(codes, k * 2 - 1, k * 2)
  return code_names[high * 256 + low]
end

local function dead_letter(e, k, to)
  local name = string.gsub(code_of(e.codes, k) or '-', ' ', '_')
  local field = account .. ' ' .. name .. ' ' .. e.job .. ' ' .. to
  dead[field] = (dead[field] or 0) + 1
end

-- Write down that a recipient is tried again. Its serial has had its receipt: the same one, pushed and pulled, must not end the next try.
local function try_again(e, plan, position)
  e.rt = spliced(e.rt, 1, position, string.char(math.min(255, string.byte(e.rt, position + 1) + 1)))
  local at = plan.delay .. ' ' .. plan.queue
  e.waits[at] = e.waits[at] or {}
  table.insert(e.waits[at], position)
  if plan.through > 0 then e.through[#e.through + 1] = position .. ',' .. position .. ',' .. plan.through end
  if plan.shard > 0 then
    local field = string.gsub(plan.field, '%x%x', function(hex) return string.char(tonumber(hex, 16)) end)
    local value = redis.call('HGET', KEYS[plan.shard], field)
    if value and #value == 6 then redis.call('HSET', KEYS[plan.shard], field, value .. '\1') end
  end
  again = again + 1
end

local function block(index)
  local id, job, positions, numbers, letters_given, codes, ends, lines, plans = unpack(ARGV, index * 9 - 5, index * 9 + 3)
  local e = {
    key = KEYS[FIRST_BLOCK + index * 2 - 1], job_key = KEYS[FIRST_BLOCK + index * 2], id = id, job = job, positions = positions,
    letters = letters_given, codes = codes, ends = ends, waits = {}, through = {},
  }
  local notes
  if lines ~= '' then
    notes = {}
    for note in string.gmatch(lines .. '\n', '([^\n]*)\n') do notes[#notes + 1] = note end
  end
  local b = redis.call('HMGET', e.key, 'st', 'n', 'cd', 'fi', 'queue', 'co', 'ta')
  local st, n = b[1] or '', b[2] or ''
  local about = { name = job .. '|' .. id, account = account, queue = b[5] or '||', co = b[6] or nil }
  if st == '' then strangers = strangers + #positions; return end
  e.st = st
  planned(e, plans)
  local letters = e.letters
  local old = { st, b[3] or string.rep('\0\0', #st), b[4] or string.rep('\0\0\0\0', #st) }
  local new = pieces(old, { letters, e.codes, e.ends })
  local job_deltas = deltas[e.job_key] or {}
  local from_k, from_position, last, any
  deltas[e.job_key] = job_deltas
  -- Most receipts of a block say the same, after the same time: counted first, named once.
  local taken_s, by_code, by_wait = b[7] and tonumber(b[7]), {}, {}
  for k = 1, #positions do
    local position, to = string.byte(positions, k), string.sub(letters, k, k)
    local from = string.sub(st, position + 1, position + 1)
    local good = false
    if from == '' or string.sub(n, position * 8 + 1, position * 8 + 8) ~= string.sub(numbers, k * 8 - 7, k * 8) then strangers = strangers + 1
    elseif position == last or not may_move(from, to) or (to == 'w' and not e.plans[k]) or string.find(from, '[xXuUfF]') then late = late + 1
    else
      good = true
      if from_k and position ~= last + 1 then new.run(from_k, k - 1, from_position); from_k = nil end
      if not from_k then from_k, from_position = k, position end
      last, any = position, true
      if notes and notes[k] and notes[k] ~= '' then redis.call('HSET', e.key, 'y' .. position, notes[k]) end
      if to == 'w' then try_again(e, e.plans[k], position)
      elseif to ~= 'd' then dead_letter(e, k, to) end
      count_move(job_deltas, from, to)
      if to ~= 'w' then count_states(book, about, position, position, to) end
      local cell = string.sub(codes, k * 2 - 1, k * 2)
      by_code[cell] = (by_code[cell] or 0) + 1
      if taken_s and to ~= 'u' and to ~= 'w' then
        local waited_s = seconds_at(ends, k) - taken_s
        by_wait[waited_s] = (by_wait[waited_s] or 0) + 1
      end
      applied = applied + 1
    end
    if not good and from_k then new.run(from_k, k - 1, from_position); from_k = nil end
  end
  if from_k then new.run(from_k, #positions, from_position) end
  for cell, times in pairs(by_code) do
    local code = code_of(cell, 1)
    if code and code ~= '' then grow(book, 'k|' .. account .. '|receipt|' .. code, times) end
  end
  for waited_s, times in pairs(by_wait) do count_time(book, waited, waited_s * 1000, times) end
  if not any then return end
  local letters_now = new.column(1)
  redis.call('HSET', e.key, 'st', letters_now, 'cd', new.column(2), 'fi', new.column(3))
  if next(e.waits) then redis.call('HSET', e.key, 'rt', e.rt) end
  for wait, list in pairs(e.waits) do
    local delay, queue = string.match(wait, '^(%d+) (%S+)$')
    redis.call('ZADD', later_key, now + tonumber(delay), queue .. ' ' .. e.job .. '|' .. e.id .. '|' .. runs_of(list))
  end
  set_accounts(e.key, #st, table.concat(e.through, ' '))
  forget_params(e.key, letters_now)
  -- Nothing of it is awaited any more, so nobody has to come back and find that out.
  if not string.find(letters_now, 'a', 1, true) then redis.call('ZREM', probe_key, account .. ' ' .. e.id) end
end

for index = 1, tonumber(blocks) do block(index) end
for field, by in pairs(dead) do count_dead(book, dead_key, field, by) end
for job_key, by in pairs(deltas) do settle(book, job_key, by, now) end
if applied > 0 then
  redis.call('HINCRBY', account_key, 'outstanding', -applied)
  redis.call('HINCRBY', account_key, 'receipts', applied)
end
if late > 0 then redis.call('HINCRBY', account_key, 'late', late) end
return { applied, late, strangers, again }
