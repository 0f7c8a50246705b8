-- Write one part of a job into the inbox, making the job when it is the first to arrive. A part
-- that is there already changes nothing.
-- KEYS: the book, job, part, got (hashes), jobs, due inbox (zsets), idempotency, version
--       (strings), ids (hash)
-- ARGV: job id, key or '', part number, recipients, packed numbers, extra json, parts in all or '',
--       spec json, lane, start ms or '', ttl ms, pace: numbers a second or 0 (the time it takes is
--       added to the deadline), '1' when parts go out as they come, account, template, params json,
--       numbers the part had twice, which are left out, mark of the params or '', what all rows
--       are, once the last part comes, or '', the producer's layout, '1' when the producer has seen
--       to it that no two parts share a number, digest of the part, or '' for the only one
-- Returns: {'layout', the ledger's} when it is not the producer's: nothing is written; {'other',
--          job} when the key belongs to another job;
--          {'closed'} when the job takes no further part; {'differs'} when another call hands it
--          over now: the part, or one behind the last, is there with other rows; else {'ok', '1'
--          when complete, '1' when the part was not there before}.
local book = the_book()
local job_key, part_key, got_key, jobs_key, inbox_key, idempotency_key, version_key, ids_key = unpack(KEYS, BOOK + 1, BOOK + 8)
local job, key, part, recipients, numbers, extra, parts_told, spec, lane, start_ms, ttl_ms, pace, stream, account, template, params,
  doubled, params_mark, rows, layout, distinct, digest = unpack(ARGV)
local found = layout_of(version_key, ids_key)
if found and found ~= layout then return { 'layout', found } end
if key ~= '' then
  local owner = redis.call('GET', idempotency_key)
  if owner and owner ~= job then return { 'other', owner } end
  redis.call('SET', idempotency_key, job)
end
local now = math.floor(now_us() / 1000)
local known
if redis.call('EXISTS', job_key) == 0 then
  local start = math.max(tonumber(start_ms) or now, now)
  local deadline = start + tonumber(ttl_ms)
  redis.call('HSET', job_key, 'id', job, 'spec', spec, 'lane', lane, 'state', 'open', 'created_ms', now, 'start_ms', start, 'key', key, 'account', account,
    'template', template, 'params', params, 'taken', 0, 'pace', pace, 'stream', stream, 'deadline_ms', string.format('%.0f', deadline))
  if params_mark ~= '' then redis.call('HSET', job_key, 'params_mark', params_mark) end
  if distinct == '1' and parts_told ~= '1' then redis.call('HSET', job_key, 'distinct', 1) end
  redis.call('ZADD', book.expire, deadline, job)
  redis.call('ZADD', book.open, now, job)
  redis.call('ZADD', jobs_key, now, job)
  known = { 'open', false, start, false, false, false, first = true }
end
known = known or redis.call('HMGET', job_key, 'state', 'complete', 'start_ms', 'closed_ms', 'shut', 'only')
-- A closed job of one part (`only`) has its list of parts no more.
local new = part ~= '' and redis.call('HEXISTS', got_key, part) == 0 and not (known[6] and part == '0')
local over = known[1] == 'cancelled' or known[4] or known[5]
if new and (over or known[2] == '1') then return { 'closed' } end
if over then return { 'ok', '1' } end
if not new and part ~= '' then
  local written = digest ~= '' and string.match(redis.call('HGET', got_key, part) or '', ' (.+)')
  -- A part is gone when it was accepted, which a job that streams does at once; its digest stays.
  -- Once all is there, the producer compares its rows with the job's.
  if written and written ~= digest and known[2] ~= '1' then return { 'differs' } end
  local there = written and {} or redis.call('HMGET', part_key, 'n', 'x')
  if there[1] and (there[1] ~= numbers or there[2] ~= extra) then return { 'differs' } end
end
if new then
  redis.call('HSET', got_key, part, digest == '' and recipients or recipients .. ' ' .. digest)
  redis.call('HSET', part_key, 'n', numbers, 'x', extra)
  if known.first then
    -- Nothing to add to: one command in the place of three, which a message of its own feels.
    redis.call('HSET', job_key, 'total', recipients, 'waiting', recipients, 'doubled', doubled)
  else
    redis.call('HINCRBY', job_key, 'total', recipients)
    redis.call('HINCRBY', job_key, 'waiting', recipients)
    redis.call('HINCRBY', job_key, 'doubled', doubled)
  end
  grow(book, 'g|' .. lane .. '|waiting', tonumber(recipients))
  write_grown(book)
end
local told = parts_told ~= '' and known[2] ~= '1'
local parts = told and parts_told or redis.call('HGET', job_key, 'parts')
local there = known[2] ~= '1' and parts and redis.call('HLEN', got_key) or -1
-- This call had no row to add, and another one has added some since it looked.
if told and part == '' and rows ~= '' and there > tonumber(parts) then return { 'differs' } end
if told and there < tonumber(parts) then redis.call('HSET', job_key, 'parts', parts_told) end
if there >= 0 and there >= tonumber(parts) then
  -- As many as there are: a producer that went on with a job under its key may
  -- have cut it into fewer.
  redis.call('HSET', job_key, 'complete', 1, 'parts', there)
  if rows ~= '' then redis.call('HSET', job_key, 'rows', rows) end
  known[2] = '1'
  if tonumber(pace) > 0 then
    local j = redis.call('HMGET', job_key, 'deadline_ms', 'total')
    local deadline = tonumber(j[1]) + math.ceil(tonumber(j[2]) / tonumber(pace) * 1000)
    redis.call('HSET', job_key, 'deadline_ms', string.format('%.0f', deadline))
    redis.call('ZADD', book.expire, deadline, job)
  end
  close_if_over(book, job_key, now)
end
if known[2] == '1' or stream == '1' then redis.call('ZADD', inbox_key, 'LT', math.max(now, tonumber(known[3])), job) end
return { 'ok', known[2] == '1' and '1' or '0', new and '1' or '0' }
