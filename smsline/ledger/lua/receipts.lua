-- Apply receipts to their recipients; a final recipient keeps its state and the receipt is counted as late.
-- KEYS: 1 account (hash), 2 due close (zset), 3 dead (hash), then per block: block, job (hashes)
-- ARGV: per receipt, those of a block together: which block (1-based), position, number, letter ('d', 'f', or 'u' when none came in time),
--       code (2 bytes), final epoch s (0: the present), note ('' or json of the serial, kept with the block; for 'u' the field of the dead letter)
-- Returns: {applied, late, strangers}. A stranger's number is not the one the block has at that position.
local now = math.floor(now_us() / 1000)
local applied, late, strangers = 0, 0, 0
local deltas = {}
local which, key, st, n, cd, fi, opened

local function flush()
  if not opened then return end
  redis.call('HSET', key, 'st', st, 'cd', cd, 'fi', fi)
  if opened == 'q' then forget_params(key, st) end
end

local function load(index)
  which, key, opened = index, KEYS[2 + index * 2], nil
  local b = redis.call('HMGET', key, 'st', 'n', 'cd', 'fi')
  st, n = b[1] or '', b[2]
  cd, fi = b[3] or string.rep('\0\0', #st), b[4] or string.rep('\0\0\0\0', #st)
end

for at = 0, #ARGV - 7, 7 do
  local index, position, to = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), ARGV[at + 4]
  if index ~= which then flush(); load(index) end
  local old = string.sub(st, position + 1, position + 1)
  if old == '' or number_at(n, position) ~= ARGV[at + 3] then strangers = strangers + 1
  elseif not may_move(old, to) then late = late + 1
  else
    st = string.sub(st, 1, position) .. to .. string.sub(st, position + 2)
    cd = string.sub(cd, 1, position * 2) .. ARGV[at + 5] .. string.sub(cd, position * 2 + 3)
    fi = string.sub(fi, 1, position * 4) .. four_bytes(tonumber(ARGV[at + 6]) > 0 and tonumber(ARGV[at + 6]) or math.floor(now / 1000)) .. string.sub(fi, position * 4 + 5)
    opened = opened == 'q' and 'q' or old
    if to == 'u' then redis.call('HINCRBY', KEYS[3], ARGV[at + 7], 1)
    elseif ARGV[at + 7] ~= '' then redis.call('HSET', key, 'y' .. position, ARGV[at + 7]) end
    local job_key = KEYS[3 + index * 2]
    if not deltas[job_key] then deltas[job_key] = {} end
    count_move(deltas[job_key], old, to)
    applied = applied + 1
  end
end
flush()
for job_key, by in pairs(deltas) do settle(job_key, by, KEYS[2], now) end
if applied > 0 then
  redis.call('HINCRBY', KEYS[1], 'outstanding', -applied)
  redis.call('HINCRBY', KEYS[1], 'receipts', applied)
end
if late > 0 then redis.call('HINCRBY', KEYS[1], 'late', late) end
return { applied, late, strangers }
