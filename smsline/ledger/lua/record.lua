-- Write down what a call, or the wait after an unsure one, came to; once per attempt and state.
-- What a call came to is written whatever has become of its attempt meanwhile: begun, as it should
-- be; unsure, because its lease had ended; claimed or gone, because Redis has forgotten its last
-- writes. Its recipients are then as that state left them.
-- KEYS: the book, attempt (hash), due lease, due unsure, due drain, due later (zsets), account,
--       dead, unsure, orphans (hashes), batch queue, due send of the lane, due probe (zsets), calls
--       to numbers on the day of the call, names of codes, breaker (hashes),
--       then per entry block and job (hashes), then the index shards (hashes)
-- ARGV: attempt id, who writes ('worker' what its call came to, 'rescuer' that it fell silent,
--       'wait' what waiting came to), first poll ms ('' none), first unsure look ms ('' none),
--       account, batch queue, attempt expiry s, index expiry s, entries, index entries, returned
--       entries, ms until an accepted recipient is asked about, index entries (12 bytes each:
--       field, value), in the order of their shards' keys, how many of these keys, from the first
--       on, get their expiry set, the codes used (lines: "number name"), what else the call adds to
--       the statistics (lines: "field by"), what the call says of the account ('ok', 'failed' or
--       ''), the breaker's terms as JSON,
--       then per entry: text, marks (space separated: first position,last
--       position,letter,counted,code number,code name; counted is 0 no, 1 yes, 2 no, but marked
--       as sent again; the name, for x and u, may be empty), serials or '', fee, and for
--       recipients that go on through another account: "first position,last position,number of
--       its name ..." or '';
--       then per returned entry: batch queue, text, delay ms (-1: the front of the
--       attempt's batch queue)
-- Returns: {'stale'} | {'codes'} when a code has another number by now: nothing is changed |
--          {'ok', '1' when early receipts may wait, what is new of the breaker, the state that
--          it was written upon}.
local FIRST_ENTRY, FIRST_TEXT = BOOK + 15, 18
local book = the_book()
local attempt_key, lease_key, unsure_due_key, drain_key, later_key, account_key, dead_key, unsure_key, orphans_key,
  queue_key, send_key, probe_key, called_key, names_key, breaker_key = unpack(KEYS, BOOK + 1, FIRST_ENTRY)
local attempt, writer, first_poll_ms, first_look_ms, account, queue, expiry_s, index_expiry_s, entries, indexed, returned,
  probe_ms, index, young, codes, counters, said, terms = unpack(ARGV, 1, FIRST_TEXT)
entries, indexed, returned = tonumber(entries), tonumber(indexed), tonumber(returned)
local held = redis.call('HMGET', attempt_key, 'state', 'started_ms', 'trial', 'told')
local upon = held[1] or 'gone'
local fits = { worker = upon ~= 'done' and not held[4], rescuer = upon == 'begun', wait = upon == 'unsure' }
if not fits[writer] then return { 'stale' } end
if not codes_hold(names_key, codes) then return { 'codes' } end
local from = upon == 'unsure' and 'unsure' or 'begun'
local forgotten, late = upon == 'claimed' or upon == 'gone', upon == 'unsure' and writer == 'worker'
local now = math.floor(now_us() / 1000)
local first_shard = FIRST_ENTRY + entries * 2
local before = from == 'begun' and 's' or 'q'
local unsure, waiting_for, asked_for = {}, 0, false
-- This attempt in the column `ua`, behind the tries at that time: a recipient that had its receipt,
-- went out again and is in doubt anew is the later attempt's. The earlier one decides nothing about
-- it. With other tries a cell is left over: a worker of an older version writes none.
local own = string.sub(four_bytes(tonumber(string.sub(attempt, -9))), 2)
local deltas, dead = {}, {}
-- The time at which `begin` counted the call for each of its numbers; nil where messages per
-- number are not capped.
local stamp = upon == 'begun' and redis.call('EXISTS', called_key) == 1 and four_bytes(math.floor(tonumber(held[2]) / 1000)) or nil

-- A message that certainly did not go out is not one that its number had.
local function uncount(number)
  local packed = redis.call('HGET', called_key, number) or ''
  for i = #packed - 3, 1, -4 do
    if string.sub(packed, i, i + 3) == stamp then
      local rest = string.sub(packed, 1, i - 1) .. string.sub(packed, i + 4)
      if rest == '' then redis.call('HDEL', called_key, number) else redis.call('HSET', called_key, number, rest) end
      return
    end
  end
end

-- The attempts of some recipients, one byte each, after one more; who told that a late call fell
-- silent has counted it already, so that one that uses up no try is taken off.
local function tried(tries, counted)
  if late then
    return (string.gsub(tries, '.', function(byte)
      if string.byte(byte) % 128 > 0 then return string.char(string.byte(byte) - 1) end
    end))
  end
  if counted == '1' and tries == string.rep('\0', #tries) then return string.rep('\1', #tries) end
  return (string.gsub(tries, '.', function(byte)
    local try = string.byte(byte)
    if counted == '1' and try % 128 < 127 then return string.char(try + 1) end
    if counted == '2' and try < 128 then return string.char(try + 128) end
  end))
end

-- Write one mark into the columns of a block, for those of its recipients that are still as
-- the attempt left them.
local function mark(e, text)
  local first, last, to, counted, code, name = string.match(text, '^(%d+),(%d+),(%a),(%d),(%d+),(.*)$')
  if late and to == 'q' then
    -- The answer leaves them in doubt, as they are.
    stretches(e.st, tonumber(first), tonumber(last), 'q', function(_, a, b)
      for p = a, b do e.doubtful[#e.doubtful + 1] = p end
    end)
    return
  end
  -- Who is to wait, and waits in a batch queue already, stays there.
  if not may_move(before, to) or (upon == 'gone' and to == 'w') then return end
  if forgotten then
    e.st = stretches(e.st, tonumber(first), tonumber(last), 'w', function(st, a, b)
      count_move(e.deltas, 'w', 's', b - a + 1)
      return spliced(st, 1, a, string.rep('s', b - a + 1))
    end)
  end
  code = tonumber(code)
  e.st = stretches(e.st, tonumber(first), tonumber(last), before, function(st, a, b)
    local count = b - a + 1
    if counted ~= (late and '1' or '0') then
      e.at = e.at or string.rep('\0', e.size)
      e.at = spliced(e.at, 1, a, tried(string.sub(e.at, a + 1, b + 1), counted))
    end
    -- The code of an earlier try says nothing about a recipient that was taken.
    if code > 0 or (to == 'a' and e.cd) then
      e.cd = spliced(e.cd or string.rep('\0\0', e.size), 2, a, string.rep(string.char(math.floor(code / 256), code % 256), count))
    end
    if FINAL[to] then
      e.fi = spliced(e.fi or string.rep('\0\0\0\0', e.size), 4, a, string.rep(four_bytes(math.floor(now / 1000)), count))
    end
    if name ~= '' and (to == 'x' or to == 'u') then
      local field = account .. ' ' .. name .. ' ' .. e.job .. ' ' .. to
      dead[field] = (dead[field] or 0) + count
    end
    if late then for p = a, b do e.settled[#e.settled + 1] = p end end
    if to == 'w' and (late or forgotten) then for p = a, b do e.back[p] = true end end
    if to == 'q' then
      local tries = e.at and string.sub(e.at, a + 1, b + 1) or string.rep('\0', count)
      e.ua = spliced(e.ua or string.rep('\0\0\0\0', e.size), 4, a, (string.gsub(tries, '.', function(try) return try .. own end)))
    elseif e.ua and before == 'q' then e.ua = spliced(e.ua, 4, a, string.rep('\0\0\0\0', count)) end
    local list = to == 'q' and e.doubtful or stamp and (to == 'w' or to == 'x') and e.unsent
    for p = a, list and b or a - 1 do list[#list + 1] = p end
    count_move(e.deltas, before, to, count)
    if FINAL[to] or to == 'a' then count_states(book, e, a, b, to) end
    if to == 'a' then e.taken = (e.taken or 0) + count end
    e.accepted = e.accepted or to == 'a'
    local awaited = to == 'a' or to == 'q'
    asked_for = asked_for or awaited
    -- What was unsure is awaited already.
    if awaited and from == 'begun' then waiting_for = waiting_for + count end
    if not awaited and from == 'unsure' then waiting_for = waiting_for - count end
    return spliced(st, 1, a, string.rep(to, count))
  end)
end

-- The states with those hidden that are in doubt for another attempt.
local function veiled(st, ua, at)
  return stretches(st, 0, #st - 1, 'q', function(all, a, b)
    for p = a, b do
      local try, cell = at and string.sub(at, p + 1, p + 1) or '\0', string.sub(ua, p * 4 + 1, p * 4 + 4)
      if cell ~= '\0\0\0\0' and cell ~= try .. own and string.sub(cell, 1, 1) == try then all = spliced(all, 1, p, '?') end
    end
    return all
  end)
end

local back = {}

-- An entry that waits again, without those of it that are no longer as the attempt left them;
-- nil when none is left.
local function still_waiting(text)
  if not (late or forgotten) then return text end
  local job, block, runs = split_entry(text)
  local list, here = {}, back[job .. '|' .. block] or {}
  for _, position in ipairs(positions(runs)) do if here[position] then list[#list + 1] = position end end
  return #list > 0 and job .. '|' .. block .. '|' .. runs_of(list) or nil
end

local function entry(i)
  local at = FIRST_TEXT + (i - 1) * 5
  local text, marks, serials, fee, through = unpack(ARGV, at + 1, at + 5)
  local block_key, job_key = KEYS[FIRST_ENTRY + i * 2 - 1], KEYS[FIRST_ENTRY + i * 2]
  local job, block = split_entry(text)
  local b = redis.call('HMGET', block_key, 'st', 'at', 'cd', 'fi', 'co', 'ta', 'ua')
  if not b[1] then return end
  deltas[job_key] = deltas[job_key] or {}
  local e = { job = job, size = #b[1], st = b[1], at = b[2], cd = b[3], fi = b[4], deltas = deltas[job_key], doubtful = {},
    unsent = {}, settled = {}, back = {},
    name = job .. '|' .. block, account = account, queue = queue, co = b[5] or nil, ua = b[7] }
  if from == 'unsure' and e.ua then e.st = veiled(e.st, e.ua, e.at) end
  for each in string.gmatch(marks, '%S+') do mark(e, each) end
  e.st = string.gsub(e.st, '?', 'q')
  back[job .. '|' .. block] = e.back
  local doubtful = e.doubtful
  local fields = {}
  for _, name in ipairs({ 'st', 'at', 'cd', 'fi', 'ua' }) do
    if e[name] then fields[#fields + 1] = name; fields[#fields + 1] = e[name] end
  end
  if serials ~= '' then fields[#fields + 1] = 'z' .. attempt; fields[#fields + 1] = serials end
  -- When the block was accepted, for the time until its receipts.
  if e.taken and not b[6] then fields[#fields + 1] = 'ta'; fields[#fields + 1] = math.floor(now / 1000) end
  redis.call('HSET', block_key, unpack(fields))
  if e.taken then
    local times = redis.call('HMGET', job_key, 'created_ms', 'start_ms')
    local since = math.max(tonumber(times[1] or now), tonumber(times[2] or 0))
    count_time(book, 'submit_to_accepted_seconds|' .. string.match(queue, '^[^|]*'), now - since, e.taken)
  end
  set_accounts(block_key, e.size, through)
  forget_params(block_key, e.st)
  local probed = account .. ' ' .. block
  -- A probe of the block that is under way must not end as if no recipient waited in it: the moved
  -- time takes its lease away.
  if e.accepted and redis.call('ZADD', probe_key, 'NX', now + tonumber(probe_ms), probed) == 0 then redis.call('ZINCRBY', probe_key, -1, probed) end
  e.deltas.fee = (e.deltas.fee or 0) + tonumber(fee)
  if #doubtful > 0 then unsure[#unsure + 1] = job .. '|' .. block .. '|' .. runs_of(doubtful) end
  local packed = (#doubtful > 0 or #e.unsent > 0 or #e.settled > 0) and redis.call('HGET', block_key, 'n')
  for _, position in ipairs(e.settled) do
    local number, left = number_at(packed, position), {}
    for other in string.gmatch(redis.call('HGET', unsure_key, number) or '', '%d+') do
      if other ~= attempt then left[#left + 1] = other end
    end
    if #left > 0 then redis.call('HSET', unsure_key, number, table.concat(left, ' ')) else redis.call('HDEL', unsure_key, number) end
  end
  for _, position in ipairs(e.unsent) do uncount(number_at(packed, position)) end
  for _, position in ipairs(late and {} or doubtful) do
    local number = number_at(packed, position)
    local others = redis.call('HGET', unsure_key, number)
    redis.call('HSET', unsure_key, number, others and (others .. ' ' .. attempt) or attempt)
  end
end

for i = 1, entries do entry(i) end
for field, by in string.gmatch(counters, '(%S+) (%d+)') do grow(book, field, tonumber(by)) end

for i = 1, indexed do
  redis.call('HSET', KEYS[first_shard + i], string.sub(index, i * 12 - 11, i * 12 - 6), string.sub(index, i * 12 - 5, i * 12))
end
for i = 1, tonumber(young) do redis.call('EXPIRE', KEYS[first_shard + i], index_expiry_s) end
local at = FIRST_TEXT + entries * 5
for i = 1, returned do
  local to, text, delay = ARGV[at + i * 3 - 2], still_waiting(ARGV[at + i * 3 - 1]), tonumber(ARGV[at + i * 3])
  if text and delay < 0 then enqueue(queue_key, queue, text, send_key, now, true)
  elseif text then redis.call('ZADD', later_key, now + delay, to .. ' ' .. text) end
end

redis.call('ZREM', lease_key, attempt)
if #unsure > 0 then
  redis.call('HSET', attempt_key, 'state', 'unsure', 'entries', table.concat(unsure, ' '), 'unsure_ms', now)
  if not late then redis.call('ZADD', unsure_due_key, now + tonumber(first_look_ms ~= '' and first_look_ms or 0), attempt) end
else
  redis.call('HSET', attempt_key, 'state', 'done')
  redis.call('EXPIRE', attempt_key, expiry_s)
  redis.call('ZREM', unsure_due_key, attempt)
end
if waiting_for ~= 0 then redis.call('HINCRBY', account_key, 'outstanding', waiting_for) end
-- Something new is awaited, so empty pages from before say nothing about the next ones.
if asked_for then redis.call('HDEL', account_key, 'empty') end
if asked_for and first_poll_ms ~= '' then
  -- Always sooner than it was: a drain that is under way must not end as if nothing was awaited,
  -- whatever the length of its lease.
  local was = tonumber(redis.call('ZSCORE', drain_key, account) or math.huge)
  redis.call('ZADD', drain_key, math.min(now + tonumber(first_poll_ms), was - 1), account)
end
for field, by in pairs(dead) do count_dead(book, dead_key, field, by) end
for job_key, by in pairs(deltas) do settle(book, job_key, by, now) end
write_grown(book)
local event = ''
if writer == 'worker' and #unsure > 0 then redis.call('HSET', attempt_key, 'told', 1) end
if writer ~= 'wait' and not late then
  event = breaker_hears(breaker_key, now, { queue = queue, trial = held[3], started_ms = tonumber(held[2] or now) }, said, terms)
end
return { 'ok', tostring(redis.call('EXISTS', orphans_key)), event, upon }
