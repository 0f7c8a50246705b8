-- Claim a job of the inbox if it is due, and tell what is needed to accept it.
-- KEYS: 1 job, 2 its first part (hashes), 3 held (zset), then the inbox of each lane (zsets)
-- ARGV: 1 job id, 2 lease ms, then the lanes in the order of their inboxes
-- Returns: {} when there is no such job or it is not due; else {lane, end of the lease in ms (the fence to finish with), state, spec json,
--          params json or '', entries held, the job's only part when it has one and it waits: numbers, extra json}.
local j = redis.call('HMGET', KEYS[1], 'lane', 'state', 'spec', 'params', 'parts', 'complete')
local inbox
for i = 3, #ARGV do if ARGV[i] == j[1] then inbox = KEYS[i + 1] end end
if not inbox then return {} end
local now, score = now_us() / 1000, redis.call('ZSCORE', inbox, ARGV[1])
if not score or tonumber(score) > now then return {} end
local ends = string.format('%.3f', now + tonumber(ARGV[2]))
redis.call('ZADD', inbox, ends, ARGV[1])
local answer = { j[1], ends, j[2], j[3], j[4] or '', redis.call('ZCARD', KEYS[3]) }
if j[5] == '1' and j[6] == '1' then
  local part = redis.call('HMGET', KEYS[2], 'n', 'x', 'end')
  if part[1] and not part[3] then answer[7], answer[8] = part[1], part[2] or '' end
end
return answer
