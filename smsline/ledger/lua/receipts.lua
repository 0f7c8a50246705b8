-- Apply receipts to their recipients; a final recipient keeps its state and the receipt is counted as late.
-- KEYS: 1 account (hash), 2 due close (zset), 3 dead (hash), then per receipt block and job (hashes)
-- ARGV: per receipt: position, number, letter ('d', 'f', or 'u' when none came in time), code (2 bytes), final epoch s,
--       note ('' or json of the serial, kept with the block; for 'u' the field of the dead letter)
-- Returns: {applied, late, strangers}. A stranger's number is not the one the block has at that position.
local now = math.floor(now_us() / 1000)
local applied, late, strangers = 0, 0, 0
local deltas = {}
for i = 1, #ARGV / 6 do
  local at = (i - 1) * 6
  local block_key, job_key = KEYS[2 + i * 2], KEYS[3 + i * 2]
  local position, to = tonumber(ARGV[at + 1]), ARGV[at + 3]
  local b = redis.call('HMGET', block_key, 'st', 'n', 'cd', 'fi')
  local old = b[1] and string.sub(b[1], position + 1, position + 1) or ''
  if not b[1] or #b[1] <= position or number_at(b[2], position) ~= ARGV[at + 2] then strangers = strangers + 1
  elseif not may_move(old, to) then late = late + 1
  else
    local size = #b[1]
    local cd, fi = b[3] or string.rep('\0\0', size), b[4] or string.rep('\0\0\0\0', size)
    local st = string.sub(b[1], 1, position) .. to .. string.sub(b[1], position + 2)
    redis.call('HSET', block_key, 'st', st,
      'cd', string.sub(cd, 1, position * 2) .. ARGV[at + 4] .. string.sub(cd, position * 2 + 3),
      'fi', string.sub(fi, 1, position * 4) .. four_bytes(tonumber(ARGV[at + 5])) .. string.sub(fi, position * 4 + 5))
    if to == 'u' then redis.call('HINCRBY', KEYS[3], ARGV[at + 6], 1)
    elseif ARGV[at + 6] ~= '' then redis.call('HSET', block_key, 'y' .. position, ARGV[at + 6]) end
    if old == 'q' and not string.find(st, '[wsqxu]') then redis.call('HDEL', block_key, 'p', 'pp') end
    if not deltas[job_key] then deltas[job_key] = {} end
    count_move(deltas[job_key], old, to)
    applied = applied + 1
  end
end
for job_key, by in pairs(deltas) do settle(job_key, by, KEYS[2], now) end
if applied > 0 then redis.call('HINCRBY', KEYS[1], 'outstanding', -applied) end
redis.call('HINCRBY', KEYS[1], 'receipts', applied)
if late > 0 then redis.call('HINCRBY', KEYS[1], 'late', late) end
return { applied, late, strangers }
