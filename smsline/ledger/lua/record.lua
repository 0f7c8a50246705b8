-- Write down what a call, or the wait after an unsure one, came to; once per attempt and state.
-- KEYS: 1 attempt (hash), 2 due lease, 3 due unsure, 4 due drain, 5 due later, 6 due close (zsets), 7 account (hash), 8 dead (hash), 9 unsure (hash), 10 orphans (hash),
--       11 line, 12 due send of the lane, 13 due probe (zsets), 14 calls to numbers on the day of the call (hash), then per entry block and job (hashes), then the index shards (hashes)
-- ARGV: 1 attempt id, 2 the attempt's state this is written upon ('begun' or 'unsure'), 3 first poll ms ('' none), 4 first unsure look ms ('' none), 5 account, 6 line,
--       7 attempt expiry s, 8 index expiry s, 9 entries, 10 index entries, 11 returned entries, 12 ms until an accepted recipient is asked about,
--       then per entry: text, letters (1 per position), counted (per position: '0' no, '1' yes, '2' no, but marked as sent again), codes (2 bytes per position, 0: none), code names (by position, space separated, for x), serials or '', fee;
--       then per index entry: shard (1-based), field, value; then per returned entry: line, text, delay ms (-1: the front of the attempt's line)
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

local function one(cells, position, to, cols, job_deltas, dead_field)
  local old = cells.st[position]
  if old ~= before or not may_move(old, to) then return false end
  cells.st[position] = to
  count_move(job_deltas, old, to)
  if cols.counted ~= '0' then
    local tries = string.byte(cells.at[position])
    if cols.counted == '1' and tries % 128 < 127 then tries = tries + 1 end
    if cols.counted == '2' and tries < 128 then tries = tries + 128 end
    cells.at[position] = string.char(tries)
  end
  -- The code of an earlier try says nothing about a recipient that was taken.
  if cols.code ~= '\0\0' or to == 'a' then cells.cd[position] = cols.code end
  if FINAL[to] then cells.fi[position] = four_bytes(math.floor(now / 1000)) end
  if dead_field and (to == 'x' or to == 'u') then dead[dead_field] = (dead[dead_field] or 0) + 1 end
  return true
end

local function entry(i)
  local at = 12 + (i - 1) * 7
  local block_key, job_key = KEYS[13 + i * 2], KEYS[14 + i * 2]
  local job, block, runs = split_entry(ARGV[at + 1])
  local b = redis.call('HMGET', block_key, 'st', 'at', 'cd', 'fi')
  if not b[1] then return end
  local size = #b[1]
  local cells = { st = column(b[1], size, 1), at = column(b[2], size, 1, '\0'), cd = column(b[3], size, 2, '\0\0'), fi = column(b[4], size, 4, '\0\0\0\0') }
  local letters, counted, codes = ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local names, doubtful, unsent = {}, {}, {}
  for name in string.gmatch(ARGV[at + 5], '%S+') do names[#names + 1] = name end
  deltas[job_key] = deltas[job_key] or {}
  local any_code, any_final, any_count, accepted = b[3], b[4], b[2], false
  for k, position in ipairs(positions(runs)) do
    local to = string.sub(letters, k, k)
    local cols = { counted = string.sub(counted, k, k), code = string.sub(codes, k * 2 - 1, k * 2) }
    local name = names[#names == 1 and 1 or k]
    if one(cells, position, to, cols, deltas[job_key], name and (ARGV[5] .. ' ' .. name .. ' ' .. job)) then
      any_code = any_code or cols.code ~= '\0\0'
      any_final = any_final or FINAL[to]
      any_count = any_count or cols.counted ~= '0'
      accepted = accepted or to == 'a'
      if to == 'q' then doubtful[#doubtful + 1] = position end
      if stamp and (to == 'w' or to == 'x') then unsent[#unsent + 1] = position end
      local awaited = to == 'a' or to == 'q'
      if awaited then asked_for = true end
      -- What was unsure is awaited already.
      if awaited and from == 'begun' then waiting_for = waiting_for + 1 end
      if not awaited and from == 'unsure' then waiting_for = waiting_for - 1 end
    end
  end
  redis.call('HSET', block_key, 'st', joined(cells.st, size))
  if any_count then redis.call('HSET', block_key, 'at', joined(cells.at, size)) end
  if any_code then redis.call('HSET', block_key, 'cd', joined(cells.cd, size)) end
  if any_final then redis.call('HSET', block_key, 'fi', joined(cells.fi, size)) end
  if ARGV[at + 6] ~= '' then redis.call('HSET', block_key, 'z' .. ARGV[1], ARGV[at + 6]) end
  forget_params(block_key, joined(cells.st, size))
  local probed = ARGV[5] .. ' ' .. block
  -- A probe of the block that is under way must not end as if nobody waited in it: the moved time takes its lease away.
  if accepted and redis.call('ZADD', KEYS[13], 'NX', now + tonumber(ARGV[12]), probed) == 0 then redis.call('ZINCRBY', KEYS[13], -1, probed) end
  fees[job_key] = (fees[job_key] or 0) + tonumber(ARGV[at + 7])
  if #doubtful > 0 then unsure[#unsure + 1] = job .. '|' .. block .. '|' .. runs_of(doubtful) end
  local packed = (#doubtful > 0 or #unsent > 0) and redis.call('HGET', block_key, 'n')
  for _, position in ipairs(unsent) do uncount(number_at(packed, position)) end
  for _, position in ipairs(doubtful) do
    local number = number_at(packed, position)
    local others = redis.call('HGET', KEYS[9], number)
    redis.call('HSET', KEYS[9], number, others and (others .. ' ' .. ARGV[1]) or ARGV[1])
  end
end

for i = 1, entries do entry(i) end

local at = 12 + entries * 7
for i = 1, indexed do
  local shard = KEYS[shard_at + tonumber(ARGV[at + i * 3 - 2])]
  if redis.call('HSET', shard, ARGV[at + i * 3 - 1], ARGV[at + i * 3]) == 1 and redis.call('HLEN', shard) == 1 then
    redis.call('EXPIRE', shard, ARGV[8])
  end
end
at = at + indexed * 3
for i = 1, returned do
  local line, text, delay = ARGV[at + i * 3 - 2], ARGV[at + i * 3 - 1], tonumber(ARGV[at + i * 3])
  if delay < 0 then enqueue(KEYS[11], ARGV[6], text, KEYS[12], now, true)
  else redis.call('ZADD', KEYS[5], now + delay, line .. ' ' .. text) end
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
if asked_for and ARGV[3] ~= '' then redis.call('ZADD', KEYS[4], 'LT', now + tonumber(ARGV[3]), ARGV[5]) end
for field, by in pairs(dead) do redis.call('HINCRBY', KEYS[8], field, by) end
for job_key, by in pairs(fees) do if by > 0 then redis.call('HINCRBY', job_key, 'fee', by) end end
for job_key, by in pairs(deltas) do settle(job_key, by, KEYS[6], now) end
return { 'ok', tostring(redis.call('EXISTS', KEYS[10])) }
