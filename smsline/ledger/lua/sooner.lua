-- Redis' clock was set back: times in a hash that lie ahead come by so much sooner, so that nothing
-- waits for the clock to catch up.
-- KEYS: hash
-- ARGV: by how much the clock was set back, ms, then the fields that hold a time
-- Returns: fields moved.
local key, back_ms = KEYS[1], tonumber(ARGV[1])
local now, moved = math.floor(now_us() / 1000), 0
for i = 2, #ARGV do
  local at = tonumber(redis.call('HGET', key, ARGV[i]) or 0)
  if at > now then
    redis.call('HSET', key, ARGV[i], string.format('%.0f', math.max(now, at - back_ms)))
    moved = moved + 1
  end
end
return moved
