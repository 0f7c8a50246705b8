-- Write down what receipts made of their recipients, as `settling.py` has decided from the columns
-- that it read; nothing at all if one of the blocks has changed since.
-- KEYS: the book, account, dead, names of codes (hashes), due later, due probe (zsets), then a hash
--       for each block, for each job, and for each shard of the serial index that the extras name
-- ARGV: account, blocks, jobs, the codes used (lines: "number name"), counters of the statistics
--       (lines: "by field"), dead letters (the same), applied, late,
--       then per block its id, its job and which of the jobs that is, the columns st, cd, fi, rt as
--       they were read, the same as they are now, and extras as JSON, '' for none: notes {[field,
--       json of the serial, kept with the block] ...}, waits {[delay ms, batch queue, runs] ...},
--       through (as in `record`), spent {[which shard, field and value in hex] ...}: serials that
--       have had their receipt and are sent again,
--       then per job: how its counts move (words: name=by)
-- Returns: {'ok'} | {'codes'} when a code has another number by now | {'changed'} | {'refused',
--          'block delay ms' ...}: of these blocks nothing can be tried again after so long, because
--          the job is over by then, or is cancelled, or the params are gone.
-- As in keys.py.
local INDEX_TTL_S = 4 * 86400
local EACH, COLUMNS = 12, { 'st', 'cd', 'fi', 'rt' }
local FIRST_KEY = BOOK + 5
local book = the_book()
local account_key, dead_key, names_key, later_key, probe_key = unpack(KEYS, BOOK + 1, FIRST_KEY)
local account, blocks, jobs, codes_used, counters, dead, applied, late = unpack(ARGV, 1, 8)
blocks, jobs = tonumber(blocks), tonumber(jobs)
if not codes_hold(names_key, codes_used) then return { 'codes' } end
local now = math.floor(now_us() / 1000)
local first_job, first_shard = FIRST_KEY + blocks, FIRST_KEY + blocks + jobs
local extras, refused = {}, { 'refused' }

-- Ms after which a recipient cannot be tried again any more.
local function time_left(key, job_key)
  local job, held = redis.call('HMGET', job_key, 'state', 'deadline_ms'), redis.call('HMGET', key, 'p', 'pp', 'np')
  if job[1] == 'cancelled' or not (held[1] or held[2] or held[3]) then return 0 end
  return tonumber(job[2] or math.huge) - now
end

for i = 1, blocks do
  local at, key = 8 + (i - 1) * EACH, KEYS[FIRST_KEY + i]
  local held = redis.call('HMGET', key, unpack(COLUMNS))
  for c = 1, 4 do if (held[c] or '') ~= ARGV[at + 3 + c] then return { 'changed' } end end
  local more = ARGV[at + EACH]
  if more ~= '' then
    extras[i] = cjson.decode(more)
    local left = #extras[i].waits > 0 and time_left(key, KEYS[first_job + tonumber(ARGV[at + 3])])
    for _, wait in ipairs(extras[i].waits) do
      if wait[1] >= left then refused[#refused + 1] = ARGV[at + 1] .. ' ' .. string.format('%.0f', math.max(0, left)); break end
    end
  end
end
if #refused > 1 then return refused end

-- What only few blocks have: recipients that are tried again, and serials of calls whose
-- answer was never seen.
local function write_extras(key, entry, size, e)
  for _, note in ipairs(e.notes) do redis.call('HSET', key, note[1], note[2]) end
  for _, wait in ipairs(e.waits) do redis.call('ZADD', later_key, now + wait[1], wait[2] .. ' ' .. entry .. '|' .. wait[3]) end
  for _, spent in ipairs(e.spent) do
    -- The same receipt, pushed and pulled, must not end the next try.
    local cell = string.gsub(spent[2], '%x%x', function(hex) return string.char(tonumber(hex, 16)) end)
    redis.call('HSET', KEYS[first_shard + spent[1]], string.sub(cell, 1, 6), string.sub(cell, 7))
    redis.call('EXPIRE', KEYS[first_shard + spent[1]], INDEX_TTL_S)
  end
  set_accounts(key, size, e.through)
end

for i = 1, blocks do
  local key, at = KEYS[FIRST_KEY + i], 8 + (i - 1) * EACH
  local id, job, _, was, _, _, _, st, cd, fi, rt, _ = unpack(ARGV, at + 1, at + EACH)
  redis.call('HSET', key, 'st', st, 'cd', cd, 'fi', fi)
  if rt ~= '' then redis.call('HSET', key, 'rt', rt) end
  if extras[i] then write_extras(key, job .. '|' .. id, #st, extras[i]) end
  if is_wanted(book, 'recipients.final') then
    local ended = {}
    for p = 1, #st do
      local to = string.sub(st, p, p)
      if FINAL[to] and to ~= string.sub(was, p, p) then ended[#ended + 1] = p - 1 end
    end
    book.ended[job .. '|' .. id] = #ended > 0 and ended or nil
  end
  -- What is in doubt no more is so for no attempt (`record.lua`).
  local ua = string.find(was, 'q', 1, true) and redis.call('HGET', key, 'ua')
  if ua then
    local cells = {}
    for p = 1, #st do cells[p] = string.sub(st, p, p) == 'q' and string.sub(ua, p * 4 - 3, p * 4) or '\0\0\0\0' end
    redis.call('HSET', key, 'ua', table.concat(cells))
  end
  forget_params(key, st)
  -- Nothing of it is awaited any more, so no look has to find that out later.
  if not string.find(st, 'a', 1, true) then redis.call('ZREM', probe_key, account .. ' ' .. id) end
end

for by, field in string.gmatch(counters, '(%d+) ([^\n]+)') do grow(book, field, tonumber(by)) end
for by, field in string.gmatch(dead, '(%d+) ([^\n]+)') do count_dead(book, dead_key, field, tonumber(by)) end
for nth = 1, jobs do
  local deltas = {}
  for name, by in string.gmatch(ARGV[8 + blocks * EACH + nth], '(%a+)=(-?%d+)') do deltas[name] = tonumber(by) end
  settle(book, KEYS[first_job + nth], deltas, now)
end
if tonumber(applied) > 0 then
  redis.call('HINCRBY', account_key, 'outstanding', -applied)
  redis.call('HINCRBY', account_key, 'receipts', applied)
end
if tonumber(late) > 0 then redis.call('HINCRBY', account_key, 'late', late) end
return { 'ok' }
