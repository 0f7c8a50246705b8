-- The last look before a call: drop what must not go out any more, put off what must wait, take the
-- token, mark the rest as sending. After `go` the call is made at once.
-- KEYS: the book, attempt (hash), due lease (zset), bucket (hash), park of the account, park of the
--       template (hashes), due later (zset), suppressions (hash), calls to numbers today,
--       yesterday, park of the side, park of the batch queue, breaker, park of the country (hashes;
--       without a country that of the side again),
--       then per entry: block, job (hashes), held (zset)
-- ARGV: attempt id, lease ms, rate (micro-tokens a ms), burst, floor left to other lanes
--       (micro-tokens), park probe ms, bucket expiry s, batch queue id, most messages to a number
--       in 30 s, in an hour, in a day (0: any number), most recipients of a call while the account
--       is in doubt, then per entry of the claim its text
-- Returns: {'stale'} | {'other'} when the attempt has entries that were not asked for: nothing is
--          changed | {'empty'} | {'wait', ms} | {'parked', ms} |
--          {'held', ms} while the account's breaker is open | {'apart', 0} when they are to wait
--          country by country |
--          {'small', n} when a call for at most n recipients may find out whether it still is |
--          {'go', started ms, content json, params json, '1' when the breaker tries the
--          account with it, then per entry: text, numbers, attempts (1 byte each), params
--          per recipient json};
--          `probe` in the place of `go` when account or template is parked and this one call finds
--          out whether it still has to be.
local FIRST_ENTRY, FIRST_TEXT = BOOK + 13, 12
local book = the_book()
local attempt_key, lease_key, bucket_key, account_park, template_park, later_key, suppressions_key,
  today_key, yesterday_key, side_park, own_park, breaker_key, country_park = unpack(KEYS, BOOK + 1, FIRST_ENTRY)
local attempt, lease_ms, rate, burst, floor, probe_ms, expiry_s, queue, in_30s, in_hour, in_day, in_doubt = unpack(ARGV, 1, FIRST_TEXT)
local held = redis.call('HMGET', attempt_key, 'state', 'entries')
if held[1] ~= 'claimed' then return { 'stale' } end
local us = now_us()
local now = math.floor(us / 1000)
local now_s = math.floor(now / 1000)
local caps = { { 30, tonumber(in_30s) }, { 3600, tonumber(in_hour) }, { 86400, tonumber(in_day) } }
local capped = caps[1][2] > 0 or caps[2][2] > 0 or caps[3][2] > 0
-- A narrower scope leaves the more urgent lanes alone: who wants no advertisements still logs in.
local STOPPING = { marketing = '[mna]', notify = '[na]', otp = 'a' }
local lane = string.match(queue, '^[^|]*')
local stopping = '^' .. STOPPING[lane]
local suppressing = redis.call('EXISTS', suppressions_key) == 1
local ready, total = {}, 0

-- Recipients of one entry that end here, in their state's letter.
local function finish(e, list, letter)
  if #list == 0 then return end
  local b = redis.call('HMGET', e.block_key, 'st', 'fi', 'co')
  local about = { name = e.job .. '|' .. e.block, account = string.match(queue, '^[^|]*|([^|]*)'), queue = queue, co = b[3] or nil }
  for _, p in ipairs(list) do count_states(book, about, p, p, letter) end
  local cells, fi = column(b[1], e.size, 1), column(b[2], e.size, 4, '\0\0\0\0')
  for _, p in ipairs(list) do cells[p] = letter; fi[p] = four_bytes(now_s) end
  local letters = joined(cells, e.size)
  e.st = letters
  redis.call('HSET', e.block_key, 'st', letters, 'fi', joined(fi, e.size))
  forget_params(e.block_key, letters, letter ~= 'p')
  settle(book, e.job_key, { waiting = -#list, [COUNT[letter]] = #list }, now)
end

local function put_off(e, runs, due_ms)
  if runs ~= '' then redis.call('ZADD', later_key, string.format('%.3f', due_ms), queue .. ' ' .. e.job .. '|' .. e.block .. '|' .. runs) end
end

-- The second from which another message to this number is allowed; 0: now. The times are whole
-- seconds: the call was made in that second, so the span since it is certainly over only when
-- one more has passed.
local function allowed_s(number)
  local times, at = {}, 0
  for _, key in ipairs({ today_key, yesterday_key }) do
    local packed = redis.call('HGET', key, number) or ''
    for i = #packed - 3, 1, -4 do
      local a, b, c, d = string.byte(packed, i, i + 3)
      times[#times + 1] = ((a * 256 + b) * 256 + c) * 256 + d
    end
  end
  for _, cap in ipairs(caps) do
    local nth = cap[2] > 0 and times[cap[2]]
    if nth then at = math.max(at, nth + cap[1] + 1) end
  end
  return at > now_s and at or 0
end

-- The spelling by which the list has a phone (`numbers.same_phone`).
local function listed_as(number)
  return #number == 13 and string.sub(number, 1, 3) == '549' and '54' .. string.sub(number, 4) or number
end

-- Split an entry's open recipients: suppressed ones end, capped ones wait, the rest may go.
local function sift(e)
  local free, stopped, later = {}, {}, {}
  for _, p in ipairs(positions(e.open)) do
    local number = number_at(e.n, p)
    local at = capped and allowed_s(number) or 0
    if suppressing and string.find(redis.call('HGET', suppressions_key, listed_as(number)) or '', stopping) then stopped[#stopped + 1] = p
    elseif at > 0 then
      later[at] = later[at] or {}
      table.insert(later[at], p)
    else free[#free + 1] = p end
  end
  finish(e, stopped, 'p')
  for at, list in pairs(later) do put_off(e, runs_of(list), at * 1000) end
  e.open, e.count = runs_of(free), #free
end

-- Whether a paced job may send so many now; what may not gets the next free place in its schedule.
-- At once goes a second's worth, or the one block that is more; half a block beyond that is left
-- for workers that are late with one and in time with the next.
local taken = {}

local function in_pace(e)
  local pace = tonumber(e.pace or 0)
  if pace <= 0 then return true end
  local p = redis.call('HMGET', e.job_key, 'pace_level', 'pace_ms', 'pace_tail')
  local most = math.max(pace, 1.5 * math.max(1, math.min(200, pace)))
  local level = math.min(most, tonumber(p[1] or most) + math.max(0, now - tonumber(p[2] or now)) * pace / 1000)
  redis.call('HSET', e.job_key, 'pace_level', string.format('%.6f', level), 'pace_ms', now)
  local mine = (taken[e.job_key] or 0) + e.count
  if level >= mine - 0.001 then
    taken[e.job_key] = mine
    return true
  end
  local tail = math.max(now, tonumber(p[3] or 0)) + e.count / pace * 1000
  redis.call('HSET', e.job_key, 'pace_tail', string.format('%.3f', tail))
  put_off(e, e.open, tail)
  return false
end

-- What the attempt still has: an earlier look, when there was no token, may have put off
-- or ended some of it.
local place, entries, seen, several = {}, {}, {}, false
for i = 1, #ARGV - FIRST_TEXT do
  local job, block = split_entry(ARGV[FIRST_TEXT + i])
  place[job .. '|' .. block] = i
end
for text in string.gmatch(held[2], '%S+') do
  local job, block, runs = split_entry(text)
  local i = place[job .. '|' .. block]
  if not i then return { 'other' } end
  several = several or (entries[1] ~= nil and entries[1].job ~= job)
  entries[#entries + 1] = { job = job, block = block, runs = runs,
    block_key = KEYS[FIRST_ENTRY + i * 3 - 2], job_key = KEYS[FIRST_ENTRY + i * 3 - 1], held_key = KEYS[FIRST_ENTRY + i * 3] }
end

-- A number that another job has in the same call goes with a later one: a call can say one
-- thing to each number.
local function unseen(e)
  local fresh, again = {}, {}
  for _, p in ipairs(positions(e.open)) do
    local number = string.sub(e.n, p * 8 + 1, p * 8 + 8)
    local list = seen[number] and again or fresh
    seen[number] = true
    list[#list + 1] = p
  end
  put_off(e, runs_of(again), now)
  e.open, e.count = runs_of(fresh), #fresh
end

local function look(e)
  local j = redis.call('HMGET', e.job_key, 'state', 'deadline_ms', 'pace')
  local b = redis.call('HMGET', e.block_key, 'st', 'n', 'at', 'pp')
  if not b[1] then return end
  e.size, e.st, e.n, e.at, e.pp, e.pace = #b[1], b[1], b[2], b[3], b[4], j[3]
  -- Open recipients are runs, as the entry has them: mostly all of it waits, and nothing here
  -- costs by the recipient.
  local list = {}
  e.count = 0
  each_run(e.runs, function(first, last)
    stretches(b[1], first, last, 'w', function(_, a, z)
      list[#list + 1] = a == z and tostring(a) or (a .. '-' .. z)
      e.count = e.count + z - a + 1
    end)
  end)
  e.open = table.concat(list, ',')
  if j[1] == 'cancelled' then finish(e, positions(e.open), 'c')
  elseif j[2] and tonumber(j[2]) <= now then finish(e, positions(e.open), 'e')
  elseif j[1] == 'paused' then
    if e.count > 0 then redis.call('ZADD', e.held_key, 0, queue .. ' ' .. e.job .. '|' .. e.block .. '|' .. e.open) end
  else
    if suppressing or capped then sift(e) end
    if several then unseen(e) end
    if e.count > 0 and in_pace(e) then
      ready[#ready + 1] = e
      total = total + e.count
    end
  end
end

for _, e in ipairs(entries) do look(e) end
if total == 0 then
  redis.call('DEL', attempt_key)
  redis.call('ZREM', lease_key, attempt)
  return { 'empty' }
end

local function texts()
  local list = {}
  for i, e in ipairs(ready) do list[i] = e.job .. '|' .. e.block .. '|' .. e.open end
  return table.concat(list, ' ')
end
local left = texts()
if left ~= held[2] then redis.call('HSET', attempt_key, 'entries', left) end

-- For how long a park keeps this batch queue waiting; nil when it does not. One queue at a time
-- finds out whether it still is one, the others look later, spread, so that thousands of them do
-- not come at once each time; all are due at once when the park is lifted.
local function parked_ms(key)
  local p = redis.call('HMGET', key, 'probe_ms', 'prober', 'prober_ms')
  local probe = tonumber(p[1] or 0)
  if probe <= now then return nil end
  if not p[2] or p[2] == queue or tonumber(p[3]) <= now then
    redis.call('HSET', key, 'prober', queue, 'prober_ms', string.format('%.0f', probe + 5000))
    return probe - now
  end
  return probe - now + us % math.max(1, 9 * tonumber(probe_ms))
end

-- Mostly nothing is parked: one question then stands for eight.
local parks = { account_park, side_park, country_park, template_park, own_park }
if redis.call('EXISTS', unpack(parks)) == 0 then parks = {} end
for _, key in ipairs(parks) do
  local ms = parked_ms(key)
  if ms then return { 'parked', string.format('%.0f', ms) } end
end
local no, detail = breaker_asks(breaker_key, now, queue, total, tonumber(in_doubt))
if no then return { no, string.format('%.0f', detail) } end
local wait = take_tokens(bucket_key, us, { rate = tonumber(rate), burst = tonumber(burst), floor = tonumber(floor), cost = 1000000, expiry_s = expiry_s })
if wait > 0 then return { 'wait', wait } end

local verb, trial = 'go', breaker_begins(breaker_key, now, tonumber(lease_ms))
for _, key in ipairs(parks) do
  if redis.call('HEXISTS', key, 'probe_ms') == 1 then
    redis.call('HSET', key, 'probe_ms', now + tonumber(probe_ms))
    verb = 'probe'
  end
end
local said = redis.call('HMGET', ready[1].block_key, 'c', 'p')
local answer, deltas = { verb, now, said[1], said[2] or '', trial == '' and '' or '1' }, {}
for _, e in ipairs(ready) do
  local st, numbers, tries = e.st, {}, {}
  each_run(e.open, function(first, last)
    local count = last - first + 1
    st = spliced(st, 1, first, string.rep('s', count))
    numbers[#numbers + 1] = string.sub(e.n, first * 8 + 1, (last + 1) * 8)
    tries[#tries + 1] = e.at and string.sub(e.at, first + 1, last + 1) or string.rep('\0', count)
  end)
  if capped then
    for _, p in ipairs(positions(e.open)) do
      local number = number_at(e.n, p)
      redis.call('HSET', today_key, number, (redis.call('HGET', today_key, number) or '') .. four_bytes(now_s))
    end
  end
  redis.call('HSET', e.block_key, 'st', st)
  if tonumber(e.pace or 0) > 0 then redis.call('HINCRBYFLOAT', e.job_key, 'pace_level', -e.count) end
  deltas[e.job_key] = (deltas[e.job_key] or 0) + e.count
  answer[#answer + 1] = e.job .. '|' .. e.block .. '|' .. e.open
  answer[#answer + 1] = table.concat(numbers)
  answer[#answer + 1] = table.concat(tries)
  answer[#answer + 1] = e.pp or ''
end
if capped then redis.call('EXPIRE', today_key, 172800) end
for job_key, by in pairs(deltas) do settle(book, job_key, { waiting = -by, sending = by, calls = 1 }, now, lane) end
redis.call('HSET', attempt_key, 'state', 'begun', 'started_ms', now)
if trial ~= '' then redis.call('HSET', attempt_key, 'trial', trial) end
redis.call('ZADD', lease_key, now + tonumber(lease_ms), attempt)
return answer
