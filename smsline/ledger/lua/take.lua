-- Take the next recipients of a due batch queue for one call and write the claim down; asked again
-- with the same attempt it answers the same.
-- KEYS: batch queue (zset), size (string), due send of the lane (zset), attempt (hash), due lease
--       (zset), hold of the batch queue (string)
-- ARGV: batch queue id, attempt id, numbers in a call, linger ms, lease ms, worker
-- Returns: entries (text), as many as fit; empty when the batch queue is empty, held, or not due.
local queue_key, size_key, send_key, attempt_key, lease_key, hold_key = unpack(KEYS)
local queue, attempt, limit, linger_ms, lease_ms, worker = unpack(ARGV)
limit, linger_ms = tonumber(limit), tonumber(linger_ms)
local held = redis.call('HMGET', attempt_key, 'entries', 'worker')
if held[1] then
  local again = {}
  if held[2] ~= worker then return again end
  for entry in string.gmatch(held[1], '%S+') do again[#again + 1] = entry end
  return again
end
local now = now_us() / 1000
local due = redis.call('ZSCORE', send_key, queue)
if not due or tonumber(due) > now then return {} end
local held_ms = redis.call('PTTL', hold_key)
if held_ms > 0 then
  redis.call('ZADD', send_key, string.format('%.3f', now + held_ms), queue)
  return {}
end
local got, place, count = {}, {}, 0

-- A block that is in the batch queue in pieces (a part of it was tried before) is one entry of the
-- claim: what is written down per block and call must not be written twice.
local function claim(job, block, runs)
  local name = job .. '|' .. block
  if not place[name] then
    got[#got + 1] = { name = name, runs = runs }
    place[name] = #got
    return
  end
  local piece = got[place[name]]
  piece.runs = runs_of(united(positions(piece.runs), positions(runs)))
end

-- Recipients left in the batch queue, counted as far as a full call.
local function left_over()
  local left, at = 0, 0
  while left < limit do
    local some = redis.call('ZRANGE', queue_key, at, at + 19)
    if #some == 0 then return left end
    for _, entry in ipairs(some) do
      local _, _, runs = split_entry(entry)
      left = left + size_of(runs)
    end
    at = at + 20
  end
  return left
end

while count < limit do
  local head = redis.call('ZRANGE', queue_key, 0, math.min(limit - count, 50) - 1, 'WITHSCORES')
  if #head == 0 then break end
  for i = 1, #head, 2 do
    local job, block, runs = split_entry(head[i])
    local size = size_of(runs)
    redis.call('ZREM', queue_key, head[i])
    -- Runs stay text: to take a block of 200 apart and put it together again would cost
    -- more than all else here.
    if count + size <= limit then
      claim(job, block, runs)
      count = count + size
    else
      local list, mine, rest = positions(runs), {}, {}
      for p = 1, #list do
        if count < limit then mine[#mine + 1] = list[p]; count = count + 1 else rest[#rest + 1] = list[p] end
      end
      claim(job, block, runs_of(mine))
      redis.call('ZADD', queue_key, head[i + 1], job .. '|' .. block .. '|' .. runs_of(rest))
    end
    if count >= limit then break end
  end
end
if redis.call('EXISTS', queue_key) == 0 then
  redis.call('ZREM', send_key, queue)
  redis.call('DEL', size_key)
else
  local due_ms = now
  if linger_ms > 0 then
    -- Counted anew, because entries also come back to a batch queue: from a retry, a
    -- pause, or a schedule.
    local left = left_over()
    redis.call('SET', size_key, left)
    if left < limit then due_ms = now + linger_ms end
  end
  redis.call('ZADD', send_key, string.format('%.3f', due_ms), queue)
end
for i, piece in ipairs(got) do got[i] = piece.name .. '|' .. piece.runs end
if count > 0 then
  redis.call('HSET', attempt_key, 'queue', queue, 'entries', table.concat(got, ' '), 'state', 'claimed', 'worker', worker)
  redis.call('ZADD', lease_key, string.format('%.3f', now + tonumber(lease_ms)), attempt)
end
return got
