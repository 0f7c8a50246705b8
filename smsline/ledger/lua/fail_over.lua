-- Let recipients of a claim that was not begun wait in other batch queues, mostly of other
-- accounts. Only who is still in the claim moves: an earlier look may have put off, set aside or
-- ended some of it, and a recipient never waits in two places.
-- KEYS: attempt (hash), due lease (zset), the account that gives them up, names of codes (hashes),
--       then per move: batch queue, due send of its lane (zsets), block (hash)
-- ARGV: attempt id, field under which the account counts them ('' where it stays the same), the
--       codes used (lines: "number name"),
--       then per move: batch queue, entry, number of its account's name ('' the same)
-- Returns: {recipients moved, the entries that stay claimed}; {-1, ''} when the
--          claim is no longer held;
--          {'codes'} when a name has another number by now: nothing is changed.
local FIRST_MOVE = 4
local attempt_key, lease_key, account_key, names_key = unpack(KEYS, 1, FIRST_MOVE)
local attempt, field, codes = unpack(ARGV, 1, 3)
local held = redis.call('HMGET', attempt_key, 'state', 'entries')
if held[1] ~= 'claimed' then return { -1, '' } end
if not codes_hold(names_key, codes) then return { 'codes' } end
local now, moved, order, claimed = string.format('%.3f', now_us() / 1000), 0, {}, {}
for text in string.gmatch(held[2], '%S+') do
  local job, block, runs = split_entry(text)
  local name = job .. '|' .. block
  order[#order + 1] = name
  claimed[name] = {}
  for _, position in ipairs(positions(runs)) do claimed[name][position] = true end
end

-- Those of the positions that the claim has, which it has no more after this.
local function given_up(name, runs)
  local list = {}
  for _, position in ipairs(positions(runs)) do
    if claimed[name] and claimed[name][position] then
      claimed[name][position] = nil
      list[#list + 1] = position
    end
  end
  return list
end

for i = 1, (#KEYS - FIRST_MOVE) / 3 do
  local queue, entry, number = unpack(ARGV, i * 3 + 1, i * 3 + 3)
  local queue_key, send_key, block_key = unpack(KEYS, FIRST_MOVE + i * 3 - 2, FIRST_MOVE + i * 3)
  local job, block, runs = split_entry(entry)
  local st = redis.call('HGET', block_key, 'st')
  local list = st and given_up(job .. '|' .. block, runs) or {}
  if #list > 0 then
    local through = {}
    for k, position in ipairs(number ~= '' and list or {}) do through[k] = position .. ',' .. position .. ',' .. number end
    set_accounts(block_key, #st, table.concat(through, ' '))
    enqueue(queue_key, queue, job .. '|' .. block .. '|' .. runs_of(list), send_key, now, true)
    moved = moved + #list
  end
end

local left = {}
for _, name in ipairs(order) do
  local list = {}
  for position in pairs(claimed[name]) do list[#list + 1] = position end
  table.sort(list)
  if #list > 0 then left[#left + 1] = name .. '|' .. runs_of(list) end
end
if #left == 0 then
  redis.call('DEL', attempt_key)
  redis.call('ZREM', lease_key, attempt)
else
  redis.call('HSET', attempt_key, 'entries', table.concat(left, ' '))
end
if moved > 0 and field ~= '' then redis.call('HINCRBY', account_key, field, moved) end
return { moved, table.concat(left, ' ') }
