-- Keep of closed jobs of one part what is shown of them: where its blocks are moves into the job,
-- for a key of their own costs more than they do. What of it can never be sent again also loses
-- what only sending needs. A hash in one piece is kept in steps of 32 to 64 bytes.
-- Its removal then is due with all that closed in the same hour: a place of its own in the due set
-- would cost five times as much.
-- In the list of jobs it shares a place with those that were handed over within two seconds of it
-- and are made small with it: a page, '+' and for each job when it was handed over, in ms after the
-- page's score (three characters in base 36), and its id. A place of its own costs 126 bytes, one
-- in a page 21, and 21 more because the hour's list has the page too, behind its jobs: it is
-- forgotten with them.
-- KEYS: due close, jobs (zsets), then for each job: job, got, blocks of the job (hashes), jobs that
--       closed in its hour (list), its blocks (hashes)
-- ARGV: what stands for the blocks of a part that ended in the inbox, then for each job: its id,
--       the hour, when the hour's jobs are due to be removed, ms, how many blocks
-- Returns: the ids of the jobs for which it was done; they are due in the set no more.
local closing_key, jobs_key, ended = KEYS[1], KEYS[2], ARGV[1]
local GONE = { id = true, taken = true, pace = true, stream = true, parts = true, complete = true, deadline_ms = true }
-- What readers take for granted where it is missing (`jobs.unfolded`).
local USUAL = { key = '', account = '', doubled = '0', total = '1', calls = '1' }
-- A spec that says no more than its lane's ttl (`JobSpec.from_json`).
local USUAL_SPEC = { otp = '{"ttl_s":300.0}', notify = '{"ttl_s":86400.0}', marketing = '{"ttl_s":259200.0}' }
local GONE_OF_BLOCK = { c = true, ta = true, np = true, asked = true, ua = true }

local function fields_of(key)
  local flat, fields = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return fields
end

-- Written anew: two commands in the place of one for each field, and the new hash has no gaps.
local function write(key, fields)
  local flat = {}
  for name, value in pairs(fields) do
    flat[#flat + 1] = name
    flat[#flat + 1] = value
  end
  redis.call('DEL', key)
  redis.call('HSET', key, unpack(flat))
end

local function small_job(held, where)
  local kept = { only = where }
  for name, value in pairs(held) do
    if not GONE[name] and USUAL[name] ~= value and not (name == 'start_ms' and value == held.created_ms) then kept[name] = value end
  end
  -- The spec says again what the job has as fields. What is written otherwise than plainly stays.
  local spec = held.spec or ''
  for _, name in ipairs({ 'template', 'lane' }) do
    local from, to = string.find(spec, '"' .. name .. '":"' .. (held[name] or '"') .. '"', 1, true)
    if from then
      if string.sub(spec, to + 1, to + 1) == ',' then to = to + 1 elseif string.sub(spec, from - 1, from - 1) == ',' then from = from - 1 end
      spec = string.sub(spec, 1, from - 1) .. string.sub(spec, to + 1)
    end
  end
  kept.spec = spec ~= USUAL_SPEC[held.lane] and spec or nil
  -- Of a closed job it is asked whether it was cancelled, and a digit takes a byte.
  if held.state == 'open' then kept.state = '0' end
  return kept
end

local function small_block(held)
  local kept, notes = {}, {}
  for name, value in pairs(held) do
    if string.sub(name, 1, 1) == 'z' then notes[#notes + 1] = name end
    if not GONE_OF_BLOCK[name] and not (name == 'at' and value == '\1') then kept[name] = value end
  end
  -- Of the batch queue readers want the lane and the account.
  local lane, account, region, kind = string.match(held.queue or '', '^([^|]*)|([^|]*)|[^|]*|([^|]*)|([^|]*)|')
  if lane then kept.queue = lane .. '|' .. account .. '||' .. region .. '|' .. kind .. '|' end
  if #notes == 1 then
    -- Which attempt it was is asked while its end is open, and then no more.
    kept[notes[1]], kept.z = nil, held[notes[1]]
  end
  return kept
end

-- As in `job_list.py`, whose reader looks so far behind each job for the page that it may be in.
local PAGE_MS, DIGITS = 2000, '0123456789abcdefghijklmnopqrstuvwxyz'

local function three_digits(value)
  local digits = ''
  for _ = 1, 3 do
    local digit = value % 36
    digits, value = string.sub(DIGITS, digit + 1, digit + 1) .. digits, (value - digit) / 36
  end
  return digits
end

-- Two or more that were handed over within PAGE_MS change their places for one. Its score
-- is the oldest's time: a reader that comes down the list meanwhile has yet to reach it,
-- and passes no job by.
local function share_places(jobs)
  table.sort(jobs, function(a, b) return a.created_ms < b.created_ms end)
  local pages, from = {}, 1
  while from <= #jobs do
    local first_ms, cells, ids = jobs[from].created_ms, { '+' }, {}
    while jobs[from] and jobs[from].created_ms - first_ms < PAGE_MS do
      ids[#ids + 1] = jobs[from].id
      cells[#cells + 1] = three_digits(jobs[from].created_ms - first_ms) .. jobs[from].id
      from = from + 1
    end
    if #ids > 1 then
      local page = table.concat(cells)
      redis.call('ZREM', jobs_key, unpack(ids))
      redis.call('ZADD', jobs_key, string.format('%.0f', first_ms), page)
      pages[#pages + 1] = page
    end
  end
  return pages
end

local done, of_hour, due, at = {}, {}, {}, 2
for a = 2, #ARGV, 4 do
  local job, hour, due_ms, blocks = unpack(ARGV, a, a + 3)
  local job_key, got_key, blocks_key, hour_key = unpack(KEYS, at + 1, at + 4)
  local held, where = fields_of(job_key), redis.call('HGET', blocks_key, '0')
  if held.closed_ms and held.parts == '1' and where and where ~= ended and redis.call('HLEN', blocks_key) == 1 then
    redis.call('DEL', got_key, blocks_key)
    if tonumber(held.dead or 0) + tonumber(held.unknown or 0) + tonumber(held.undelivered or 0) > 0 then
      -- A person may requeue it, and then all of it is asked for.
      redis.call('HSET', job_key, 'only', where)
    else
      write(job_key, small_job(held, where))
      for i = 1, tonumber(blocks) do
        local block_key = KEYS[at + 4 + i]
        local columns = fields_of(block_key)
        if columns.st then write(block_key, small_block(columns)) end
      end
      of_hour[hour_key] = of_hour[hour_key] or { ids = {}, places = {} }
      table.insert(of_hour[hour_key].ids, job)
      -- All ids that smsline makes are of one length; of another, it keeps its place.
      if #job == 18 then table.insert(of_hour[hour_key].places, { id = job, created_ms = tonumber(held.created_ms) }) end
      due['hour:' .. hour] = due_ms
      done[#done + 1] = job
    end
  end
  at = at + 4 + tonumber(blocks)
end
for hour_key, jobs in pairs(of_hour) do
  redis.call('RPUSH', hour_key, unpack(jobs.ids))
  local pages = share_places(jobs.places)
  if #pages > 0 then redis.call('RPUSH', hour_key, unpack(pages)) end
end
for member, due_ms in pairs(due) do redis.call('ZADD', closing_key, 'NX', due_ms, member) end
if #done > 0 then redis.call('ZREM', closing_key, unpack(done)) end
return done
