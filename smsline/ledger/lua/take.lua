-- Take the next recipients of a due batch queue for one call and write the claim down; asked again with the same attempt it answers the same.
-- KEYS: 1 batch queue (zset), 2 size (string), 3 due send of the lane (zset), 4 attempt (hash), 5 due lease (zset), 6 hold of the batch queue (string)
-- ARGV: 1 batch queue id, 2 attempt id, 3 numbers in a call, 4 linger ms, 5 lease ms, 6 worker
-- Returns: entries (text), as many as fit; empty when the batch queue is empty, held, or not due.
local taken = redis.call('HGET', KEYS[4], 'entries')
if taken then
  local again = {}
  for entry in string.gmatch(taken, '%S+') do again[#again + 1] = entry end
  return again
end
local now = now_us() / 1000
local due = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not due or tonumber(due) > now then return {} end
local held_ms = redis.call('PTTL', KEYS[6])
if held_ms > 0 then
  redis.call('ZADD', KEYS[3], string.format('%.3f', now + held_ms), ARGV[1])
  return {}
end
local limit, got, place, count = tonumber(ARGV[3]), {}, {}, 0

-- A block that is in the batch queue in pieces (a part of it was tried before) is one entry of the claim: what is written down per block and
-- call must not be written twice.
local function claim(job, block, list)
  local name = job .. '|' .. block
  if not place[name] then
    got[#got + 1] = { name = name, list = list }
    place[name] = #got
    return
  end
  local mine = got[place[name]].list
  for _, position in ipairs(list) do mine[#mine + 1] = position end
  table.sort(mine)
end

-- Recipients left in the batch queue, counted as far as a full call.
local function left_over()
  local left, at = 0, 0
  while left < limit do
    local some = redis.call('ZRANGE', KEYS[1], at, at + 19)
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
  local head = redis.call('ZRANGE', KEYS[1], 0, math.min(limit - count, 50) - 1, 'WITHSCORES')
  if #head == 0 then break end
  for i = 1, #head, 2 do
    local job, block, runs = split_entry(head[i])
    local list = positions(runs)
    redis.call('ZREM', KEYS[1], head[i])
    if count + #list <= limit then
      claim(job, block, list)
      count = count + #list
    else
      local mine, rest = {}, {}
      for p = 1, #list do
        if count < limit then mine[#mine + 1] = list[p]; count = count + 1 else rest[#rest + 1] = list[p] end
      end
      claim(job, block, mine)
      redis.call('ZADD', KEYS[1], head[i + 1], job .. '|' .. block .. '|' .. runs_of(rest))
    end
    if count >= limit then break end
  end
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('ZREM', KEYS[3], ARGV[1])
  redis.call('DEL', KEYS[2])
else
  local linger, due = tonumber(ARGV[4]), now
  if linger > 0 then
    -- Counted anew, because entries also come back to a batch queue: from a retry, a pause, or a schedule.
    local left = left_over()
    redis.call('SET', KEYS[2], left)
    if left < limit then due = now + linger end
  end
  redis.call('ZADD', KEYS[3], string.format('%.3f', due), ARGV[1])
end
for i, piece in ipairs(got) do got[i] = piece.name .. '|' .. runs_of(piece.list) end
if count > 0 then
  redis.call('HSET', KEYS[4], 'queue', ARGV[1], 'entries', table.concat(got, ' '), 'state', 'claimed', 'worker', ARGV[6])
  redis.call('ZADD', KEYS[5], string.format('%.3f', now + tonumber(ARGV[5])), ARGV[2])
end
return got
