-- A worker process shows that it lives, and learns whether Redis has forgotten something or
-- its clock was set back.
-- After a step back what is put off or leased is due by so much sooner, so that it does not wait
-- for the clock to catch up.
-- KEYS: version (string), ids (hash), beat of the process, clock (strings), then due sets whose
--       times are spans from a moment on (zsets)
-- ARGV: number of this beat, expiry ms, the step back from which on times are moved, ms, most
--       members of a set that are moved
-- Returns: {layout or '', number of the process' last beat or '', ms of any process' last beat or
--          '', now ms, members moved}.
local FIRST_SET = 4
local version_key, ids_key, beat_key, clock_key = unpack(KEYS, 1, FIRST_SET)
local number, expiry_ms, step_ms, most = unpack(ARGV)
local now = math.floor(now_us() / 1000)
local last = redis.call('GET', clock_key)
local back, moved = last and tonumber(last) - now or 0, 0
if back >= tonumber(step_ms) then
  for k = FIRST_SET + 1, #KEYS do
    local late = redis.call('ZRANGEBYSCORE', KEYS[k], '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
    for i = 1, #late, 2 do
      redis.call('ZADD', KEYS[k], string.format('%.3f', math.max(now, tonumber(late[i + 1]) - back)), late[i])
    end
    moved = moved + #late / 2
  end
end
local before = redis.call('GET', beat_key)
redis.call('SET', beat_key, number, 'PX', expiry_ms)
redis.call('SET', clock_key, string.format('%.0f', now))
return { layout_of(version_key, ids_key) or '', before or '', last or '', now, moved }
