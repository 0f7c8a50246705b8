-- Write one part of a job into the inbox, making the job when it is the first to arrive. A part that is there already changes nothing.
-- KEYS: 1 job (hash), 2 part (hash), 3 got (hash), 4 jobs (zset), 5 due inbox (zset), 6 due expire (zset), 7 idempotency (string), 8 due close (zset)
-- ARGV: 1 job id, 2 key or '', 3 part number, 4 recipients, 5 packed numbers, 6 extra json, 7 parts in all or '', 8 spec json, 9 lane,
--       10 start ms or '', 11 ttl ms, 12 pace: numbers a second or 0 (the time it takes is added to the deadline), 13 '1' when parts go out as they come, 14 account, 15 template, 16 params json,
--       17 numbers the part had twice, which are left out, 18 mark of the params or '', 19 what all rows are, once the last part comes, or ''
-- Returns: {'other', job} when the key belongs to another job; {'closed'} when the job takes no further part; {'differs'} when the part is there with
--          other rows; else {'ok', '1' when complete}.
local job = ARGV[1]
if ARGV[2] ~= '' then
  local owner = redis.call('GET', KEYS[7])
  if owner and owner ~= job then return { 'other', owner } end
  redis.call('SET', KEYS[7], job)
end
local now = math.floor(now_us() / 1000)
if redis.call('EXISTS', KEYS[1]) == 0 then
  local start = math.max(tonumber(ARGV[10]) or now, now)
  redis.call('HSET', KEYS[1], 'id', job, 'spec', ARGV[8], 'lane', ARGV[9], 'state', 'open', 'created_ms', now, 'start_ms', start,
    'key', ARGV[2], 'account', ARGV[14], 'template', ARGV[15], 'params', ARGV[16], 'taken', 0, 'pace', ARGV[12], 'stream', ARGV[13])
  redis.call('HSET', KEYS[1], 'deadline_ms', string.format('%.0f', start + tonumber(ARGV[11])))
  if ARGV[18] ~= '' then redis.call('HSET', KEYS[1], 'params_mark', ARGV[18]) end
  redis.call('ZADD', KEYS[6], start + tonumber(ARGV[11]), job)
  redis.call('ZADD', KEYS[4], now, job)
end
local known = redis.call('HMGET', KEYS[1], 'state', 'complete', 'start_ms', 'closed_ms', 'shut')
local new = ARGV[3] ~= '' and redis.call('HEXISTS', KEYS[3], ARGV[3]) == 0
local over = known[1] == 'cancelled' or known[4] or known[5]
if new and (over or known[2] == '1') then return { 'closed' } end
if over then return { 'ok', '1' } end
if not new and ARGV[3] ~= '' then
  -- Gone when it was accepted: then only its number is known, and a repetition of the same message is what brings it again.
  local part = redis.call('HMGET', KEYS[2], 'n', 'x')
  if part[1] and (part[1] ~= ARGV[5] or part[2] ~= ARGV[6]) then return { 'differs' } end
end
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
  if ARGV[19] ~= '' then redis.call('HSET', KEYS[1], 'rows', ARGV[19]) end
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
