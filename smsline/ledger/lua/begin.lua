-- The last look before a call: drop what must not go out any more, take the token, mark the rest as sending. After `go` the call is made at once.
-- KEYS: 1 attempt (hash), 2 due lease (zset), 3 bucket (hash), 4 park of the account, 5 park of the template (hashes), 6 due close (zset),
--       then per entry: block, job (hashes), held (zset)
-- ARGV: 1 attempt id, 2 lease ms, 3 rate (micro-tokens a ms), 4 burst (micro-tokens), 5 floor left to other lanes (micro-tokens), 6 park probe ms, 7 bucket expiry s,
--       8 line id, then per entry its text
-- Returns: {'stale'} | {'empty'} | {'wait', ms} | {'parked', until ms} |
--          {'go', started ms, content json, params json, then per entry: text, numbers, attempts (1 byte each), params per recipient json};
--          `probe` in the place of `go` when account or template is parked and this one call finds out whether it still has to be.
local held = redis.call('HMGET', KEYS[1], 'state', 'line')
if held[1] ~= 'claimed' then return { 'stale' } end
local us = now_us()
local now = math.floor(us / 1000)
local entries = #ARGV - 8
local ready, total = {}, 0


local function look(i)
  local block_key, job_key, held_key = KEYS[4 + i * 3], KEYS[5 + i * 3], KEYS[6 + i * 3]
  local job, block, runs = split_entry(ARGV[8 + i])
  local j = redis.call('HMGET', job_key, 'state', 'deadline_ms')
  local b = redis.call('HMGET', block_key, 'st', 'n', 'at', 'pp')
  if not b[1] then return end
  local size, open = #b[1], {}
  for _, p in ipairs(positions(runs)) do
    if string.sub(b[1], p + 1, p + 1) == 'w' then open[#open + 1] = p end
  end
  if #open == 0 then return end
  local gone = j[1] == 'cancelled' and 'c' or (j[2] and tonumber(j[2]) <= now and 'e')
  if gone then
    local cells, fi = column(b[1], size, 1), column(redis.call('HGET', block_key, 'fi'), size, 4, '\0\0\0\0')
    for _, p in ipairs(open) do cells[p] = gone; fi[p] = four_bytes(math.floor(now / 1000)) end
    redis.call('HSET', block_key, 'st', joined(cells, size), 'fi', joined(fi, size))
    settle(job_key, { waiting = -#open, [COUNT[gone]] = #open }, KEYS[6], now)
  elseif j[1] == 'paused' then
    redis.call('ZADD', held_key, 0, ARGV[8] .. ' ' .. job .. '|' .. block .. '|' .. runs_of(open))
  else
    ready[#ready + 1] = { job = job, block = block, open = open, n = b[2], at = b[3], pp = b[4], size = size, block_key = block_key, job_key = job_key }
    total = total + #open
  end
end

for i = 1, entries do look(i) end
if total == 0 then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  return { 'empty' }
end

local function texts()
  local list = {}
  for i, r in ipairs(ready) do list[i] = r.job .. '|' .. r.block .. '|' .. runs_of(r.open) end
  return list
end
redis.call('HSET', KEYS[1], 'entries', table.concat(texts(), ' '))

for k = 4, 5 do
  local probe = redis.call('HGET', KEYS[k], 'probe_ms')
  if probe and tonumber(probe) > now then return { 'parked', probe } end
end

local rate, burst, floor = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local bucket = redis.call('HMGET', KEYS[3], 'level', 'us', 'shut_ms')
if bucket[3] and tonumber(bucket[3]) > now then return { 'wait', tonumber(bucket[3]) - now } end
local level, last = tonumber(bucket[1] or burst), tonumber(bucket[2] or us)
if us > last then level = math.min(burst, level + math.floor((us - last) * rate / 1000)) else us = last end
if level < 1000000 + floor then return { 'wait', math.ceil((1000000 + floor - level) / rate) } end
redis.call('HSET', KEYS[3], 'level', string.format('%.0f', level - 1000000), 'us', string.format('%.0f', us))
redis.call('EXPIRE', KEYS[3], ARGV[7])

local verb = 'go'
for k = 4, 5 do
  if redis.call('HEXISTS', KEYS[k], 'probe_ms') == 1 then
    redis.call('HSET', KEYS[k], 'probe_ms', now + tonumber(ARGV[6]))
    verb = 'probe'
  end
end
local said = redis.call('HMGET', ready[1].block_key, 'c', 'p')
local answer, called, deltas = { verb, now, said[1], said[2] or '' }, {}, {}
for i, r in ipairs(ready) do
  local cells, numbers, tries = column(redis.call('HGET', r.block_key, 'st'), r.size, 1), {}, {}
  for k, p in ipairs(r.open) do
    cells[p] = 's'
    numbers[k] = string.sub(r.n, p * 8 + 1, p * 8 + 8)
    tries[k] = r.at and string.sub(r.at, p + 1, p + 1) or '\0'
  end
  redis.call('HSET', r.block_key, 'st', joined(cells, r.size))
  if not called[r.job_key] then called[r.job_key] = true; redis.call('HINCRBY', r.job_key, 'calls', 1) end
  deltas[r.job_key] = (deltas[r.job_key] or 0) + #r.open
  answer[#answer + 1] = r.job .. '|' .. r.block .. '|' .. runs_of(r.open)
  answer[#answer + 1] = table.concat(numbers)
  answer[#answer + 1] = table.concat(tries)
  answer[#answer + 1] = r.pp or ''
end
for job_key, by in pairs(deltas) do settle(job_key, { waiting = -by, sending = by }, KEYS[6], now) end
redis.call('HSET', KEYS[1], 'state', 'begun', 'started_ms', now)
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), ARGV[1])
return answer
