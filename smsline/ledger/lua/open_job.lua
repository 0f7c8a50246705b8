-- Claim a job of the inbox if it is due, and tell what is needed to accept it.
-- KEYS: job, its first part (hashes), held, wakes of the queue (zsets), then the inbox
--       of each lane (zsets)
-- ARGV: job id, lease ms, the wake-up that has been started with this or '', then the lanes in the
--       order of their inboxes
-- Returns: {} when there is no such job or it is not due; else {lane, end of the lease in ms (the
--          fence to finish with), state, spec json, params json or '', entries held, the job's only
--          part when it has one and it waits: numbers, extra json}.
local job_key, part_key, held_key, wakes_key = unpack(KEYS, 1, 4)
local job, lease_ms, wake = unpack(ARGV, 1, 3)
-- Whatever becomes of the job: what comes from now on has a wake-up of its own.
if wake ~= '' then redis.call('ZREM', wakes_key, wake) end
local j = redis.call('HMGET', job_key, 'lane', 'state', 'spec', 'params', 'parts', 'complete', 'only')
local inbox
for i = 4, #ARGV do if ARGV[i] == j[1] then inbox = KEYS[i + 1] end end
if not inbox then return {} end
if j[7] then
  -- It has been accepted and closed: who accepted it was stopped before it left the inbox.
  redis.call('ZREM', inbox, job)
  return {}
end
local now, score = now_us() / 1000, redis.call('ZSCORE', inbox, job)
if not score or tonumber(score) > now then return {} end
local ends = string.format('%.3f', now + tonumber(lease_ms))
redis.call('ZADD', inbox, ends, job)
local answer = { j[1], ends, j[2], j[3], j[4] or '', redis.call('ZCARD', held_key) }
if j[5] == '1' and j[6] == '1' then
  local part = redis.call('HMGET', part_key, 'n', 'x', 'end')
  if part[1] and not part[3] then answer[7], answer[8] = part[1], part[2] or '' end
end
return answer
