-- Write down what a call, or the wait after an unsure one, came to; once per attempt and state.
-- KEYS: 1 attempt (hash), 2 due lease, 3 due unsure, 4 due drain, 5 due later, 6 due close (zsets), 7 account (hash), 8 dead (hash), 9 unsure (hash), 10 orphans (hash),
--       11 batch queue, 12 due send of the lane, 13 due probe (zsets), 14 calls to numbers on the day of the call (hash), then per entry block and job (hashes), then the index shards (hashes)
-- ARGV: 1 attempt id, 2 the attempt's state this is written upon ('begun' or 'unsure'), 3 first poll ms ('' none), 4 first unsure look ms ('' none), 5 account, 6 batch queue,
--       7 attempt expiry s, 8 index expiry s, 9 entries, 10 index entries, 11 returned entries, 12 ms until an accepted recipient is asked about,
--       13 index entries (12 bytes each: field, value), in the order of their shards' keys, 14 how many of these keys, from the first on, get
--       their expiry set,
--       then per entry: text, marks (space separated: first position,last position,letter,counted,code number,code name; counted is 0 no, 1 yes,
--       2 no, but marked as sent again; the name, for x and u, may be empty), serials or '', fee, and for recipients that go on through another
--       account: "first position,last position,number of its name ..." or '';
--       then per returned entry: batch queue, text, delay ms (-1: the front of the attempt's batch queue)
-- Returns: {'stale'} | {'ok', '1' when early receipts may wait}.
local from = ARGV[2]
local held = redis.call('HMGET', KEYS[1], 'state', 'started_ms')
if held[1] ~= from then return { 'stale' } end
local now = math.floor(now_us() / 1000)
local entries, indexed, returned = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local shard_at = 14 + entries * 2
local before = from == 'begun' and 's' or 'q'
local unsure, waiting_for, asked_for = {}, 0, false
local deltas, fees, dead = {}, {}, {}
-- The time at which `begin` counted the call for each of its numbers; nil where messages per number are not capped.
local stamp = from == 'begun' and redis.call('EXISTS', KEYS[14]) == 1 and four_bytes(math.floor(tonumber(held[2]) / 1000)) or nil

-- A message that certainly did not go out is not one that its number had.
local function uncount(number)
  local packed = redis.call('HGET', KEYS[14], number) or ''
  for i = #packed - 3, 1, -4 do
    if string.sub(packed, i, i + 3) == stamp then
      local rest = string.sub(packed, 1, i - 1) .. string.sub(packed, i + 4)
      if rest == '' then redis.call('HDEL', KEYS[14], number) else redis.call('HSET', KEYS[14], number, rest) end
      return
    end
  end
end

-- The attempts of some recipients, one byte each, after one more.
local function tried(tries, counted)
  if counted == '1' and tries == string.rep('\0', #tries) then return string.rep('\1', #tries) end
  return (string.gsub(tries, '.', function(byte)
    local try = string.byte(byte)
    if counted == '1' and try % 128 < 127 then return string.char(try + 1) end
    if counted == '2' and try < 128 then return string.char(try + 128) end
  end))
end

-- Write one mark into the columns of a block, for those of its recipients that are still as the attempt left them.
local function mark(e, text)
  local first, last, to, counted, code, name = string.match(text, '^(%d+),(%d+),(%a),(%d),(%d+),(.*)$')
  if not may_move(before, to) then return end
  code = tonumber(code)
  e.st = stretches(e.st, tonumber(first), tonumber(last), before, function(st, a, b)
    local count = b - a + 1
    if counted ~= '0' then
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
      local field = ARGV[5] .. ' ' .. name .. ' ' .. e.job
      dead[field] = (dead[field] or 0) + count
    end
    local list = to == 'q' and e.doubtful or stamp and (to == 'w' or to == 'x') and e.unsent
    for p = a, list and b or a - 1 do list[#list + 1] = p end
    count_move(e.deltas, before, to, count)
    e.accepted = e.accepted or to == 'a'
    local awaited = to == 'a' or to == 'q'
    asked_for = asked_for or awaited
    -- What was unsure is awaited already.
    if awaited and from == 'begun' then waiting_for = waiting_for + count end
    if not awaited and from == 'unsure' then waiting_for = waiting_for - count end
    return spliced(st, 1, a, string.rep(to, count))
  end)
end

local function entry(i)
  local at = 14 + (i - 1) * 5
  local block_key, job_key = KEYS[13 + i * 2], KEYS[14 + i * 2]
  local job, block = split_entry(ARGV[at + 1])
  local b = redis.call('HMGET', block_key, 'st', 'at', 'cd', 'fi')
  if not b[1] then return end
  deltas[job_key] = deltas[job_key] or {}
  local e = { job = job, size = #b[1], st = b[1], at = b[2], cd = b[3], fi = b[4], deltas = deltas[job_key], doubtful = {}, unsent = {} }
  for text in string.gmatch(ARGV[at + 2], '%S+') do mark(e, text) end
  local doubtful = e.doubtful
  for _, name in ipairs({ 'st', 'at', 'cd', 'fi' }) do
    if e[name] then redis.call('HSET', block_key, name, e[name]) end
  end
  set_accounts(block_key, e.size, ARGV[at + 5])
  if ARGV[at + 3] ~= '' then redis.call('HSET', block_key, 'z' .. ARGV[1], ARGV[at + 3]) end
  forget_params(block_key, e.st)
  local probed = ARGV[5] .. ' ' .. block
  -- A probe of the block that is under way must not end as if nobody waited in it: the moved time takes its lease away.
  if e.accepted and redis.call('ZADD', KEYS[13], 'NX', now + tonumber(ARGV[12]), probed) == 0 then redis.call('ZINCRBY', KEYS[13], -1, probed) end
  fees[job_key] = (fees[job_key] or 0) + tonumber(ARGV[at + 4])
  if #doubtful > 0 then unsure[#unsure + 1] = job .. '|' .. block .. '|' .. runs_of(doubtful) end
  local packed = (#doubtful > 0 or #e.unsent > 0) and redis.call('HGET', block_key, 'n')
  for _, position in ipairs(e.unsent) do uncount(number_at(packed, position)) end
  for _, position in ipairs(doubtful) do
    local number = number_at(packed, position)
    local others = redis.call('HGET', KEYS[9], number)
    redis.call('HSET', KEYS[9], number, others and (others .. ' ' .. ARGV[1]) or ARGV[1])
  end
end

for i = 1, entries do entry(i) end

for i = 1, indexed do
  redis.call('HSET', KEYS[shard_at + i], string.sub(ARGV[13], i * 12 - 11, i * 12 - 6), string.sub(ARGV[13], i * 12 - 5, i * 12))
end
for i = 1, tonumber(ARGV[14]) do redis.call('EXPIRE', KEYS[shard_at + i], ARGV[8]) end
local at = 14 + entries * 5
for i = 1, returned do
  local queue, text, delay = ARGV[at + i * 3 - 2], ARGV[at + i * 3 - 1], tonumber(ARGV[at + i * 3])
  if delay < 0 then enqueue(KEYS[11], ARGV[6], text, KEYS[12], now, true)
  else redis.call('ZADD', KEYS[5], now + delay, queue .. ' ' .. text) end
end

redis.call('ZREM', KEYS[2], ARGV[1])
if #unsure > 0 then
  redis.call('HSET', KEYS[1], 'state', 'unsure', 'entries', table.concat(unsure, ' '), 'unsure_ms', now)
  redis.call('ZADD', KEYS[3], now + tonumber(ARGV[4] ~= '' and ARGV[4] or 0), ARGV[1])
else
  redis.call('HSET', KEYS[1], 'state', 'done')
  redis.call('EXPIRE', KEYS[1], ARGV[7])
  redis.call('ZREM', KEYS[3], ARGV[1])
end
if waiting_for ~= 0 then redis.call('HINCRBY', KEYS[7], 'outstanding', waiting_for) end
-- Something new is awaited, so empty pages from before say nothing about the next ones.
if asked_for then redis.call('HDEL', KEYS[7], 'empty') end
if asked_for and ARGV[3] ~= '' then
  -- Always sooner than it was: a drain that is under way must not end as if nothing was awaited, whatever the length of its lease.
  local was = tonumber(redis.call('ZSCORE', KEYS[4], ARGV[5]) or math.huge)
  redis.call('ZADD', KEYS[4], math.min(now + tonumber(ARGV[3]), was - 1), ARGV[5])
end
for field, by in pairs(dead) do redis.call('HINCRBY', KEYS[8], field, by) end
for job_key, by in pairs(fees) do if by > 0 then redis.call('HINCRBY', job_key, 'fee', by) end end
for job_key, by in pairs(deltas) do settle(job_key, by, KEYS[6], now) end
return { 'ok', tostring(redis.call('EXISTS', KEYS[10])) }
