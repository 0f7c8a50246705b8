-- Keep of a closed job of one part what is shown of it: where its blocks are moves into the job, for a key of their own costs more than they do.
-- What of it can never be sent again also loses what only sending needs. A hash in one piece is kept in steps of 32 to 64 bytes.
-- Its removal then is due with all that closed in the same hour: a place of its own in the due set would cost five times as much.
-- KEYS: job, got, blocks of the job (hashes), jobs that closed in its hour (list), due close (zset), then the blocks (hashes)
-- ARGV: job id, what stands for the blocks of a part that ended in the inbox, the hour, when its jobs are due to be removed, ms
-- Returns: 1 when it was done.
local job_key, got_key, blocks_key, hour_key, closing_key = unpack(KEYS, 1, 5)
local job, ended, hour, due_ms = unpack(ARGV)
local j = redis.call('HMGET', job_key, 'closed_ms', 'parts', 'dead', 'unknown', 'undelivered', 'created_ms', 'start_ms')
local where = redis.call('HGET', blocks_key, '0')
if not j[1] or j[2] ~= '1' or not where or where == ended or redis.call('HLEN', blocks_key) ~= 1 then return 0 end
redis.call('HSET', job_key, 'only', where)
redis.call('DEL', got_key, blocks_key)
if tonumber(j[3] or 0) + tonumber(j[4] or 0) + tonumber(j[5] or 0) > 0 then return 1 end
-- Nothing of it can be requeued. What readers take for granted where it is missing goes (`jobs.unfolded`).
local function drop(key, name, usual)
  if redis.call('HGET', key, name) == usual then redis.call('HDEL', key, name) end
end
redis.call('HDEL', job_key, 'id', 'taken', 'pace', 'stream', 'parts', 'complete', 'deadline_ms')
drop(job_key, 'start_ms', j[6])
drop(job_key, 'key', '')
drop(job_key, 'account', '')
drop(job_key, 'doubled', '0')
drop(job_key, 'total', '1')
drop(job_key, 'calls', '1')
-- The spec says again what the job has as fields. What is written otherwise than plainly stays.
local spec = redis.call('HGET', job_key, 'spec') or ''
for _, name in ipairs({ 'template', 'lane' }) do
  local said = '"' .. name .. '":"' .. (redis.call('HGET', job_key, name) or '"') .. '"'
  local from, to = string.find(spec, said, 1, true)
  if from then
    if string.sub(spec, to + 1, to + 1) == ',' then to = to + 1 elseif string.sub(spec, from - 1, from - 1) == ',' then from = from - 1 end
    spec = string.sub(spec, 1, from - 1) .. string.sub(spec, to + 1)
  end
end
redis.call('HSET', job_key, 'spec', spec)
for i = 6, #KEYS do
  redis.call('HDEL', KEYS[i], 'c', 'ta', 'np', 'asked')
  -- Of the batch queue readers want the lane and the account.
  local lane, account, region, kind = string.match(redis.call('HGET', KEYS[i], 'queue') or '', '^([^|]*)|([^|]*)|[^|]*|([^|]*)|([^|]*)|')
  if lane then redis.call('HSET', KEYS[i], 'queue', lane .. '|' .. account .. '||' .. region .. '|' .. kind .. '|') end
  drop(KEYS[i], 'at', '\1')
  local notes = {}
  for _, name in ipairs(redis.call('HKEYS', KEYS[i])) do if string.sub(name, 1, 1) == 'z' then notes[#notes + 1] = name end end
  if #notes == 1 and #notes[1] > 1 then
    -- Which attempt it was is asked while its end is open, and then no more.
    redis.call('HSET', KEYS[i], 'z', redis.call('HGET', KEYS[i], notes[1]))
    redis.call('HDEL', KEYS[i], notes[1])
  end
end
redis.call('RPUSH', hour_key, job)
redis.call('ZADD', closing_key, 'NX', due_ms, 'hour:' .. hour)
redis.call('ZREM', closing_key, job)
return 1
