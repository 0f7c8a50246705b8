-- Finish a claimed member of a due set: gone, or due again later. Only who still holds the lease may; work that came meanwhile is kept.
-- KEYS: 1 due set (zset)
-- ARGV: 1 member, 2 fence: the lease end it was claimed with, 3 due again in ms ('' never)
-- Returns: 1, or 0 when the lease was lost or the member was made due in the meantime; in the latter case it is due at the earlier time.
local score, fence = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or -1), tonumber(ARGV[2])
-- A later time than the lease's end is the lease of another, who claimed it when this one had ended.
if score < 0 or score > fence + 0.01 then return 0 end
local mine = score >= fence - 0.01
if ARGV[3] == '' then
  if mine then redis.call('ZREM', KEYS[1], ARGV[1]) end
else
  local due = now_us() / 1000 + tonumber(ARGV[3])
  if mine or due < score then redis.call('ZADD', KEYS[1], string.format('%.3f', due), ARGV[1]) end
end
return mine and 1 or 0
