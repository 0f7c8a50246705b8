-- Turn one inbox part into blocks and put their recipients into batch queues; done once, however often it is asked.
-- KEYS: 1 job (hash), 2 part (hash), 3 blocks of the job (hash), 4 due close (zset), 5 due later (zset), 6 due send of the lane, 7 inbox of the lane (zsets),
--       then `batch queues` pairs of batch queue (zset) and size (string), then `seen` shards (sets), then the blocks (hashes)
-- ARGV: 1 job id, 2 part number, 3 batch queues, 4 seen shards, 5 linger ms, 6 numbers in a call, 7 first due ms (0: now), 8 pace: ms per recipient (0: none),
--       9 seen expiry s, 10 first block id, 11 how many of the seen shards, from the first on, get their expiry set, 12 the fence of the inbox when
--       nothing of the job is left in it after this part, or '', 13.. the batch queue ids, then per block: batch queue (1-based), content json, params json or '', params per recipient json or '',
--       refs json or '', packed numbers, shard per number (2 bytes each, 1-based) or ''
-- Returns: {'ok', recipients taken, duplicates} | {'done'} when the part was accepted before | {'cancelled'}.
local function leave_inbox()
  if ARGV[12] ~= '' then finish_lease(KEYS[7], ARGV[1], ARGV[12], '') end
end
if redis.call('EXISTS', KEYS[2]) == 0 or redis.call('HEXISTS', KEYS[2], 'end') == 1 then leave_inbox(); return { 'done' } end
local job, queues, shards = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('HMGET', KEYS[1], 'state', 'vt', 'pace_tail')
if state[1] == 'cancelled' then leave_inbox(); return { 'cancelled' } end
local seen_at, block_at = 7 + queues * 2, 7 + queues * 2 + shards
local blocks = #KEYS - block_at
local now = now_us() / 1000
-- A paced job's schedule goes on where it ended, and never begins in the past.
local pace, tail = tonumber(ARGV[8]), math.max(now, tonumber(ARGV[7]), tonumber(state[3] or 0))
local vt = tonumber(state[2] or 0)
local taken, doubled = 0, 0

local function fresh(packed, shard_of, size)
  local list, cells = {}, {}
  for i = 0, size - 1 do
    cells[i] = 'w'
    if shard_of ~= '' then
      local a, b = string.byte(shard_of, i * 2 + 1, i * 2 + 2)
      local key = KEYS[seen_at + a * 256 + b]
      if redis.call('SADD', key, number_at(packed, i)) == 0 then cells[i] = '=' end
    end
    if cells[i] == 'w' then list[#list + 1] = i end
  end
  return list, joined(cells, size)
end

for b = 1, blocks do
  local at = 12 + queues + (b - 1) * 7
  local line_no, packed = tonumber(ARGV[at + 1]), ARGV[at + 6]
  local queue, block_key, size = ARGV[12 + line_no], KEYS[block_at + b], #packed / 8
  local list, letters = fresh(packed, ARGV[at + 7], size)
  redis.call('HSET', block_key, 'job', job, 'queue', queue, 'c', ARGV[at + 2], 'n', packed, 'st', letters)
  if ARGV[at + 3] ~= '' and #list > 0 then redis.call('HSET', block_key, 'p', ARGV[at + 3]) end
  if ARGV[at + 4] ~= '' and #list > 0 then redis.call('HSET', block_key, 'pp', ARGV[at + 4]) end
  if ARGV[at + 5] ~= '' then redis.call('HSET', block_key, 'r', ARGV[at + 5]) end
  taken, doubled = taken + #list, doubled + size - #list
  if #list > 0 then
    local entry = job .. '|' .. (tonumber(ARGV[10]) + b - 1) .. '|' .. runs_of(list)
    local line_key, size_key = KEYS[6 + line_no * 2], KEYS[7 + line_no * 2]
    if pace > 0 then
      redis.call('ZADD', KEYS[5], string.format('%.3f', tail), queue .. ' ' .. entry)
      tail = tail + #list * pace
    else
      local head = redis.call('ZRANGE', line_key, 0, 0, 'WITHSCORES')
      vt = math.max(vt + 1, tonumber(head[2] or 0))
      redis.call('ZADD', line_key, vt, entry)
      local due = now + tonumber(ARGV[5])
      if tonumber(ARGV[5]) > 0 and redis.call('INCRBY', size_key, #list) >= tonumber(ARGV[6]) then due = now end
      redis.call('ZADD', KEYS[6], 'LT', string.format('%.3f', due), queue)
    end
  end
end
for i = 1, tonumber(ARGV[11]) do redis.call('EXPIRE', KEYS[seen_at + i], ARGV[9]) end
redis.call('HSET', KEYS[3], ARGV[2], ARGV[10] .. ':' .. blocks)
redis.call('HSET', KEYS[1], 'vt', string.format('%.0f', vt))
if pace > 0 then redis.call('HSET', KEYS[1], 'pace_tail', string.format('%.3f', tail)) end
redis.call('DEL', KEYS[2])
local progress = redis.call('HMGET', KEYS[1], 'complete', 'parts')
-- From here on the blocks hold the params; the job's own copy, perhaps a one-time password, has no use.
if redis.call('HINCRBY', KEYS[1], 'taken', 1) == tonumber(progress[2]) and progress[1] == '1' then redis.call('HDEL', KEYS[1], 'params') end
if doubled > 0 then
  redis.call('HINCRBY', KEYS[1], 'total', -doubled)
  redis.call('HINCRBY', KEYS[1], 'doubled', doubled)
  redis.call('HINCRBY', KEYS[1], 'waiting', -doubled)
end
close_if_over(KEYS[1], KEYS[4], math.floor(now))
-- Last, so that a part that could not be written stays in the inbox.
leave_inbox()
return { 'ok', taken, doubled }
