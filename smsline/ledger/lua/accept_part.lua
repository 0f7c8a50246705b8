-- Turn one inbox part into blocks and put their recipients into batch queues; done once,
-- however often it is asked.
-- KEYS: the book, job, part, blocks of the job (hashes), due later, due send of the lane, inbox
--       of the lane (zsets),
--       then `queues` pairs of batch queue (zset) and size (string), then `shards` sets of the
--       job's numbers, then the blocks (hashes)
-- ARGV: job id, part number, batch queues, seen shards, linger ms, numbers in a call, first due ms
--       (0: now), pace: ms per recipient (0: none), seen expiry s, first block id, how many of the
--       seen shards, from the first on, get their expiry set, the fence of the inbox when nothing
--       of the job is left in it after this part, or '', then the batch queue ids, then per block:
--       batch queue (1-based), content json, params json or '', params per recipient json or '',
--       refs json or '', packed numbers, shard per number (2 bytes each, 1-based) or '', country of
--       all of them (2 letters) or of each, or '' for mainland China
-- Returns: {'ok', recipients taken, duplicates} | {'done'} when the part was accepted
--          before | {'cancelled'} |
--          {'used'} when a block has one of the ids already: nothing is changed.
local FIRST_QUEUE, FIRST_NAME = BOOK + 6, 12
local book = the_book()
local job_key, part_key, blocks_key, later_key, send_key, inbox_key = unpack(KEYS, BOOK + 1, FIRST_QUEUE)
local job, part, queues, shards, linger_ms, limit, first_ms, pace, seen_ttl_s, first_block, young, fence = unpack(ARGV, 1, FIRST_NAME)
queues, shards, linger_ms, first_block, pace = tonumber(queues), tonumber(shards), tonumber(linger_ms), tonumber(first_block), tonumber(pace)

local function leave_inbox()
  if fence ~= '' then finish_lease(inbox_key, job, fence, '') end
end

if redis.call('EXISTS', part_key) == 0 or redis.call('HEXISTS', part_key, 'end') == 1 then leave_inbox(); return { 'done' } end
local state = redis.call('HMGET', job_key, 'state', 'vt', 'pace_tail', 'created_ms')
if state[1] == 'cancelled' then leave_inbox(); return { 'cancelled' } end
local seen_at = FIRST_QUEUE + queues * 2
local block_at = seen_at + shards
local blocks = #KEYS - block_at
if blocks > 0 and redis.call('EXISTS', unpack(KEYS, block_at + 1)) > 0 then return { 'used' } end
local now = now_us() / 1000
-- A paced job's schedule goes on where it ended, and never begins in the past.
local tail = math.max(now, tonumber(first_ms), tonumber(state[3] or 0))
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
  local at = FIRST_NAME + queues + (b - 1) * 8
  local nth, content, params, own_params, refs, packed, shard_of, countries = unpack(ARGV, at + 1, at + 8)
  local queue, block_key, size = ARGV[FIRST_NAME + nth], KEYS[block_at + b], #packed / 8
  local list, letters = fresh(packed, shard_of, size)
  redis.call('HSET', block_key, 'job', job, 'queue', queue, 'c', content, 'n', packed, 'st', letters)
  if params ~= '' and #list > 0 then redis.call('HSET', block_key, 'p', params) end
  if own_params ~= '' and #list > 0 then redis.call('HSET', block_key, 'pp', own_params) end
  if refs ~= '' then redis.call('HSET', block_key, 'r', refs) end
  if countries ~= '' then redis.call('HSET', block_key, 'co', countries) end
  taken, doubled = taken + #list, doubled + size - #list
  if #list > 0 then
    local entry = job .. '|' .. string.format('%.0f', first_block + b - 1) .. '|' .. runs_of(list)
    local queue_key, size_key = KEYS[FIRST_QUEUE + nth * 2 - 1], KEYS[FIRST_QUEUE + nth * 2]
    if pace > 0 then
      redis.call('ZADD', later_key, string.format('%.3f', tail), queue .. ' ' .. entry)
      tail = tail + #list * pace
    else
      local head = redis.call('ZRANGE', queue_key, 0, 0, 'WITHSCORES')
      vt = math.max(vt + 1, tonumber(head[2] or 0))
      redis.call('ZADD', queue_key, vt, entry)
      local due = now + linger_ms
      if linger_ms > 0 and redis.call('INCRBY', size_key, #list) >= tonumber(limit) then due = now end
      redis.call('ZADD', send_key, 'LT', string.format('%.3f', due), queue)
    end
  end
end
for i = 1, tonumber(young) do redis.call('EXPIRE', KEYS[seen_at + i], seen_ttl_s) end
redis.call('HSET', blocks_key, part, string.format('%.0f:%d', first_block, blocks))
if pace > 0 then redis.call('HSET', job_key, 'pace_tail', string.format('%.3f', tail)) end
redis.call('DEL', part_key)
-- A producer of the version before does not list its job among the open ones.
redis.call('ZADD', book.open, 'NX', state[4] or now, job)
local progress = redis.call('HMGET', job_key, 'complete', 'parts', 'taken')
local accepted = tonumber(progress[3] or 0) + 1
redis.call('HSET', job_key, 'vt', string.format('%.0f', vt), 'taken', accepted)
-- From here on the blocks hold the params; the job's own copy, perhaps a one-time
-- password, has no use.
if accepted == tonumber(progress[2]) and progress[1] == '1' then redis.call('HDEL', job_key, 'params') end
if doubled > 0 then
  redis.call('HINCRBY', job_key, 'total', -doubled)
  redis.call('HINCRBY', job_key, 'doubled', doubled)
  redis.call('HINCRBY', job_key, 'waiting', -doubled)
  grow(book, 'g|' .. redis.call('HGET', job_key, 'lane') .. '|waiting', -doubled)
  write_grown(book)
end
close_if_over(book, job_key, math.floor(now))
-- Last, so that a part that could not be written stays in the inbox.
leave_inbox()
return { 'ok', taken, doubled }
