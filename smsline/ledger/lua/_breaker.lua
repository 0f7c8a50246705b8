-- The circuit breaker of an account, one for all processes; begin asks it, record tells it
-- what each call came to.
-- breaker:<account> is a hash. Closed: row (calls in a row that failed through no fault of their
-- recipients, in the order of their ends), row_m, row_g, row_gFR, row_t1234 (the same of a side,
-- a country, a template: good calls of others say nothing of it), last (which country's row was
-- counted last), apart_ms, apart_from (until when a global call carries one country, and since
-- when), goodrow_gFR (the apart_from since which a call to the country went well), slow_ms
-- (until when calls carry one recipient, because one is stuck), from_ms (what was begun before
-- says nothing any more).
-- Held: held_ms (since when), code, probe_ms (when the next probe may begin), pause_ms (how long it
-- waits after a probe that fails), first_ms, other_ms (when a probe of what has not failed may go
-- out of turn). Half-open, after a probe that went well: grants (calls that may begin), flying
-- (trial calls under way), wins (trial calls that went well). Failing over by rate: good, bad,
-- at_ms, since_ms, out_ms, back_ms. Besides: faults (a code, and the subjects of the calls in a row
-- that it refused for what they say).
local WINS = 8
local BREAKER_EXPIRY_S = 3600

-- The rows of a call besides the account's: of its side, its country (the same one where calls are
-- not of one country) and its template.
local function rows_of(queue)
  local template, side, country = string.match(queue, '^[^|]*|[^|]*|([^|]*)|(.)([^|@]*)')
  return 'row_' .. side, 'row_' .. side .. country, 'row_t' .. template
end

-- Whether a call may probe a held account out of turn: nothing like it has failed, so that the
-- others' trouble may not be its own.
local function breaker_unlike(b, now)
  return tonumber(b.flying or 0) == 0 and tonumber(b.other_ms or 0) <= now and not (b.country and b.template)
end

local function breaker_read(key, queue)
  local side, country, template = rows_of(queue)
  local names = { 'held_ms', 'probe_ms', 'grants', 'row', 'pause_ms', 'slow_ms', 'apart_ms', 'flying', 'other_ms', 'apart_from' }
  local told = redis.call('HMGET', key, country, template, 'good' .. country, unpack(names))
  local b = { country = told[1], template = told[2], good = told[3], mixed = country == 'row_g', one = country ~= side }
  for i, name in ipairs(names) do b[name] = told[i + 3] end
  return b
end

-- Whether a call for so many recipients may begin: nil, or 'held' and for how many ms, or 'small'
-- and for how many at most, or 'apart' when its recipients are to wait country by country.
local function breaker_asks(key, now, queue, recipients, small)
  -- Nothing failed in the last hour, as mostly: one question stands for thirteen.
  if redis.call('EXISTS', key) == 0 then return nil end
  local b = breaker_read(key, queue)
  -- A global call failed lately: one country may be the cause, and would spoil every call that
  -- it shares with others.
  local apart = tonumber(b.apart_ms or 0) > now
  if b.mixed and apart then return 'apart', 0 end
  -- What its own kind failed with is not mended by what went well for others, and any country may
  -- be the one that failed.
  local failed = b.country or b.template or (b.one and apart and b.good ~= b.apart_from)
  if not b.held_ms then
    if recipients > 1 and tonumber(b.slow_ms or 0) > now then return 'small', 1 end
    -- After one call that failed the next ones carry few, until one goes well: if the provider is
    -- down, few are in doubt.
    if (b.row or failed) and recipients > small then return 'small', small end
    return nil
  end
  if tonumber(b.grants or 0) > 0 then
    if failed and recipients > small then return 'small', small end
    return nil
  end
  if tonumber(b.probe_ms) > now and not breaker_unlike(b, now) then
    return 'held', math.max(1, math.min(tonumber(b.probe_ms) - now, tonumber(b.pause_ms)))
  end
  if recipients > 1 then return 'small', 1 end
  return nil
end

-- A call begins: while the account is held it is a trial. Returns the trial's mark, '' when
-- the breaker is closed.
local function breaker_begins(key, now, lease_ms)
  local b = redis.call('HMGET', key, 'held_ms', 'grants', 'probe_ms', 'pause_ms')
  if not b[1] then return '' end
  if tonumber(b[2] or 0) > 0 then
    redis.call('HINCRBY', key, 'grants', -1)
  else
    if tonumber(b[3]) > now then redis.call('HSET', key, 'other_ms', now + tonumber(b[4])) end
    -- If its worker dies, the next probe may go when the lease is over.
    redis.call('HSET', key, 'probe_ms', now + lease_ms)
  end
  redis.call('HINCRBY', key, 'flying', 1)
  redis.call('EXPIRE', key, BREAKER_EXPIRY_S)
  return b[1]
end

-- A call went well: nothing that it is of fails in a row any more.
local function breaker_good(key, queue)
  local side, country, template = rows_of(queue)
  redis.call('HDEL', key, side, country, template, side == 'row_g' and 'last' or country)
  local from = side ~= country and redis.call('HGET', key, 'apart_from')
  if from then redis.call('HSET', key, 'good' .. country, from) end
end

-- Count a failed call with all that it is of. Returns 'side', 'country' or 'template' when
-- that alone fails, as far as can be seen: more calls in a row than it takes, while others of
-- the account went well.
local function breaker_part(key, now, queue, t)
  local side, country, template = rows_of(queue)
  -- One country in a row counts once for its side and its template: they hold up others, too.
  local again = side ~= country and redis.call('HGET', key, 'last') == country
  local by = again and 0 or 1
  local on_side, on_template = redis.call('HINCRBY', key, side, by), redis.call('HINCRBY', key, template, by)
  local on_country = side ~= country and redis.call('HINCRBY', key, country, 1) or 0
  if side == 'row_g' then
    if tonumber(redis.call('HGET', key, 'apart_ms') or 0) <= now then redis.call('HSET', key, 'apart_from', now) end
    redis.call('HSET', key, 'last', country, 'apart_ms', now + t.apart_ms)
  end
  if t.row == 0 then return '' end
  return on_side >= t.row and 'side' or on_country >= t.row and 'country' or on_template >= t.row and 'template' or ''
end

local function breaker_trial_ends(key, now, said, t)
  local b = redis.call('HMGET', key, 'flying', 'grants', 'wins', 'pause_ms', 'first_ms', 'held_ms')
  local flying, grants, wins = math.max(0, tonumber(b[1] or 0) - 1), tonumber(b[2] or 0), tonumber(b[3] or 0)
  if said == 'ok' then
    if wins + 1 >= WINS then
      redis.call('HDEL', key, 'held_ms', 'probe_ms', 'grants', 'flying', 'wins', 'pause_ms', 'first_ms', 'code', 'slow_ms', 'other_ms')
      redis.call('HSET', key, 'from_ms', b[6])
      return 'closed'
    end
    -- Each call that goes well allows two more: 1, 2, 4 are under way at once, and then all.
    redis.call('HSET', key, 'flying', flying, 'grants', grants + 2, 'wins', wins + 1, 'pause_ms', b[5])
    return wins == 0 and 'half-open' or ''
  end
  redis.call('HSET', key, 'flying', flying)
  if said == 'failed' then
    redis.call('HSET', key, 'code', t.code)
    if flying == 0 and grants == 0 then
      redis.call('HDEL', key, 'wins')
      redis.call('HSET', key, 'probe_ms', now + tonumber(b[4]), 'pause_ms', math.min(t.most_ms, 2 * tonumber(b[4])))
    end
  elseif wins > 0 then
    redis.call('HSET', key, 'grants', grants + 1)
  else
    redis.call('HSET', key, 'probe_ms', now)
  end
  return ''
end

-- Count a failed call of several accounts; when too many fail, the next accounts take over for a
-- while. True from that on.
local function breaker_rate(key, now, t)
  local s = redis.call('HMGET', key, 'good', 'bad', 'at_ms', 'out_ms')
  local left = 0.5 ^ ((now - tonumber(s[3] or now)) / t.window_ms)
  local good, bad = tonumber(s[1] or 0) * left + t.good, tonumber(s[2] or 0) * left + 1
  local out = bad >= t.failures - 0.5 and bad >= good and tonumber(s[4] or 0) <= now
  if out then
    good, bad = 0, 0
    redis.call('HSET', key, 'since_ms', now, 'out_ms', now + t.cooldown_ms, 'back_ms', now + t.cooldown_ms + t.return_ms)
  end
  redis.call('HSET', key, 'good', string.format('%.3f', good), 'bad', string.format('%.3f', bad), 'at_ms', now)
  return out
end

-- Six calls of each of four jobs whose texts are refused side by side
-- (worker/sending/effects.py, TEXT_FAULTS).
local FAULTS_MOST = 24

-- A call was refused for what it says (`about`: code and subject): returns 'fault' with the
-- subjects refused in a row, the newest last.
local function breaker_refused(key, known, about)
  local code, subject = string.match(about, '^(%S*) (.*)$')
  local list = {}
  for each in string.gmatch(known or '', '%S+') do list[#list + 1] = each end
  if table.remove(list, 1) ~= code then list = {} end
  list[#list + 1] = subject
  while #list > FAULTS_MOST do table.remove(list, 1) end
  local text = table.concat(list, ' ')
  redis.call('HSET', key, 'faults', code .. ' ' .. text)
  redis.call('EXPIRE', key, BREAKER_EXPIRY_S)
  return 'fault ' .. text
end

-- A call of a template went well: nothing of it is in a row any more, and nothing over
-- several templates is.
local function breaker_accepted(key, known, template)
  local code, left = string.match(known, '^%S+'), {}
  local newest = string.match(known, '(%S+)~#%S*$')
  for each in string.gmatch(string.sub(known, #code + 1), '%S+') do
    local of = string.match(each, '^(.*)~#')
    if of == newest and of ~= template then left[#left + 1] = each end
  end
  if #left == 0 then redis.call('HDEL', key, 'faults')
  else redis.call('HSET', key, 'faults', code .. ' ' .. table.concat(left, ' ')) end
end

-- A call has ended. `said` is 'ok', 'failed', 'fault' when it was refused for what it says, or ''
-- when it says nothing of the account; `terms` goes with it (`smsline/ledger/breaker.py`,
-- CallReport). Returns 'held', 'half-open' or 'closed' when that is new, 'out' when others take
-- over from now on, 'side', 'country' or 'template' when only calls of that one fail, 'fault' with
-- the subjects that were refused in a row, else ''.
local function breaker_hears(key, now, call, said, terms)
  if said == 'ok' and redis.call('EXISTS', key) == 0 then return '' end
  local side, country, template = rows_of(call.queue)
  local b = redis.call('HMGET', key, 'held_ms', 'row', 'from_ms', 'slow_ms', 'faults', side, country, template, 'apart_from')
  local refused = said == 'fault' and breaker_refused(key, b[5], terms) or ''
  if refused ~= '' then said = 'ok'
  elseif said == 'ok' and b[5] and terms ~= '' then breaker_accepted(key, b[5], terms) end
  if b[1] then
    -- What was begun before it was held is no news.
    if call.trial ~= b[1] then return refused end
    local t, wins = said == 'failed' and cjson.decode(terms), tonumber(redis.call('HGET', key, 'wins') or 0)
    if said == 'ok' then breaker_good(key, call.queue) end
    local part = t and breaker_part(key, now, call.queue, t)
    local event = breaker_trial_ends(key, now, said, t)
    -- Before any went well, all that fails may be the account.
    if t and event == '' and wins > 0 then event = part end
    return event ~= '' and event or refused
  end
  if said == 'ok' and (b[2] or b[4] or b[6] or b[7] or b[8] or (b[9] and side ~= country)) then
    redis.call('HDEL', key, 'row', 'slow_ms')
    breaker_good(key, call.queue)
  end
  if said ~= 'failed' or call.started_ms < tonumber(b[3] or 0) then return refused end
  local t, event = cjson.decode(terms), ''
  redis.call('HSET', key, 'code', t.code)
  local row, part = redis.call('HINCRBY', key, 'row', 1), breaker_part(key, now, call.queue, t)
  if t.failures > 0 and breaker_rate(key, now, t) then event = 'out' end
  if t.row > 0 and row >= t.row then
    redis.call('HDEL', key, 'row')
    redis.call('HSET', key, 'held_ms', now, 'probe_ms', now + t.first_ms, 'pause_ms', math.min(t.most_ms, 2 * t.first_ms), 'first_ms', t.first_ms)
    event = 'held'
  elseif event == '' then event = part end
  local last = math.max(tonumber(redis.call('HGET', key, 'back_ms') or 0) - now, 0)
  redis.call('PEXPIRE', key, math.ceil(last + BREAKER_EXPIRY_S * 1000))
  return event
end
