-- Apply receipts to their recipients; a final recipient keeps its state and the receipt is counted as late.
-- KEYS: the book, account, dead, names of codes (hashes), then per block: block, job (hashes)
-- ARGV: the codes used (lines: "number name"), then per block six columns, a cell for each receipt, in ascending order of positions: positions
--       (1 byte), numbers (8 bytes), letters ('d', 'f', or 'u' when none came in time), codes (2 bytes), final epoch s (4 bytes), notes (lines; ''
--       when there are none: '' or json of the serial, kept with the block; for 'u' the field of the dead letter)
-- Returns: {applied, late, strangers}. A stranger's number is not the one the block has at that position.
--          {'codes'} when a code has another number by now: nothing is changed.
local FIRST_BLOCK = BOOK + 3
local book = the_book()
local account_key, dead_key, names_key = unpack(KEYS, BOOK + 1, FIRST_BLOCK)
if not codes_hold(names_key, ARGV[1]) then return { 'codes' } end
local now = math.floor(now_us() / 1000)
local applied, late, strangers = 0, 0, 0
local account = string.match(account_key, 'account:(.*)$')
local code_names = {}
for number, name in string.gmatch(ARGV[1], '(%d+) ([^\n]*)') do code_names[tonumber(number)] = name end
local waited = 'accepted_to_final_seconds|' .. account
local deltas = {}
local WIDTHS = { 1, 2, 4 }

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

local function note_down(key, position, to, note)
  if to == 'u' then redis.call('HINCRBY', dead_key, note, 1)
  elseif note ~= '' then redis.call('HSET', key, 'y' .. position, note) end
end

local function block(index)
  local key, job_key = KEYS[FIRST_BLOCK + index * 2 - 1], KEYS[FIRST_BLOCK + index * 2]
  local positions, numbers, letters, codes, finals, lines = unpack(ARGV, index * 6 - 4, index * 6 + 1)
  local notes
  if lines ~= '' then
    notes = {}
    for note in string.gmatch(lines .. '\n', '([^\n]*)\n') do notes[#notes + 1] = note end
  end
  local b = redis.call('HMGET', key, 'st', 'n', 'cd', 'fi', 'queue', 'co', 'ta')
  local st, n = b[1] or '', b[2] or ''
  local about = { account = account, queue = b[5] or '||', co = b[6] or nil }
  local old = { st, b[3] or string.rep('\0\0', #st), b[4] or string.rep('\0\0\0\0', #st) }
  local new = pieces(old, { letters, codes, finals })
  local job_deltas = deltas[job_key] or {}
  local from_k, from_position, last, was_open, any
  deltas[job_key] = job_deltas
  for k = 1, #positions do
    local position, to = string.byte(positions, k), string.sub(letters, k, k)
    local from = string.sub(st, position + 1, position + 1)
    local good = false
    if from == '' or string.sub(n, position * 8 + 1, position * 8 + 8) ~= string.sub(numbers, k * 8 - 7, k * 8) then strangers = strangers + 1
    elseif position == last or not may_move(from, to) then late = late + 1
    else
      good = true
      if from_k and position ~= last + 1 then new.run(from_k, k - 1, from_position); from_k = nil end
      if not from_k then from_k, from_position = k, position end
      last, any, was_open = position, true, was_open or from == 'q'
      if notes then note_down(key, position, to, notes[k] or '') end
      count_move(job_deltas, from, to)
      count_states(book, about, position, position, to)
      local high, low = string.byte(codes, k * 2 - 1, k * 2)
      local code = code_names[high * 256 + low]
      if code and code ~= '' then grow(book, 'k|' .. account .. '|receipt|' .. code, 1) end
      if b[7] and to ~= 'u' then count_time(book, waited, (seconds_at(finals, k) - tonumber(b[7])) * 1000, 1) end
      applied = applied + 1
    end
    if not good and from_k then new.run(from_k, k - 1, from_position); from_k = nil end
  end
  if from_k then new.run(from_k, #positions, from_position) end
  if not any then return end
  local letters_now = new.column(1)
  redis.call('HSET', key, 'st', letters_now, 'cd', new.column(2), 'fi', new.column(3))
  if was_open then forget_params(key, letters_now) end
end

for index = 1, (#KEYS - FIRST_BLOCK) / 2 do block(index) end
for job_key, by in pairs(deltas) do settle(book, job_key, by, now) end
if applied > 0 then
  redis.call('HINCRBY', account_key, 'outstanding', -applied)
  redis.call('HINCRBY', account_key, 'receipts', applied)
end
if late > 0 then redis.call('HINCRBY', account_key, 'late', late) end
return { applied, late, strangers }
