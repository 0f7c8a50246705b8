-- Pause, resume or cancel a job. An incomplete job that is cancelled takes no further part.
-- A job that goes on is looked at again, but not before its start, nor before it is complete.
-- KEYS: the book, job (hash), due inbox (zset), got (hash), version (string), ids (hash)
-- ARGV: job id, the state asked for: 'open', 'paused' or 'cancelled', the caller's layout
-- Returns: {state before, state now}; {} when there is no such job; {'layout', the ledger's} when
--          it is not the caller's: nothing is written.
local book = the_book()
local job_key, inbox_key, got_key, version_key, ids_key = unpack(KEYS, BOOK + 1, BOOK + 5)
local job, wanted, layout = unpack(ARGV)
-- Here and not before: a producer asks seldom, and a ledger may have been migrated
-- since it asked last.
local found = layout_of(version_key, ids_key)
if found and found ~= layout then return { 'layout', found } end
local was = redis.call('HMGET', job_key, 'state', 'closed_ms', 'complete', 'stream', 'start_ms')
if not was[1] then return {} end
if was[2] or was[1] == 'cancelled' then return { was[1], was[2] and was[1] ~= 'cancelled' and 'closed' or was[1] } end
redis.call('HSET', job_key, 'state', wanted)
local now = math.floor(now_us() / 1000)
if wanted == 'cancelled' then
  if was[3] ~= '1' then redis.call('HSET', job_key, 'complete', 1, 'parts', redis.call('HLEN', got_key)) end
  redis.call('HDEL', job_key, 'params')
  redis.call('ZREM', inbox_key, job)
  -- Before all that is overdue: a person waits for it.
  redis.call('ZADD', book.expire, 0, job)
  close_if_over(book, job_key, now)
elseif wanted == 'open' and (was[3] == '1' or was[4] == '1') then
  redis.call('ZADD', inbox_key, 'LT', math.max(now, tonumber(was[5])), job)
end
return { was[1], wanted }
