-- Redis' clock was set back: times in a hash that lie ahead come by so much sooner, so that nothing waits for the clock to catch up.
-- KEYS: hash
-- ARGV: by how much the clock was set back, ms, then the fields that hold a time
-- Returns: fields moved.
local now, moved = math.floor(now_us() / 1000), 0
for i = 2, #ARGV do
  local at = tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or 0)
  if at > now then
    redis.call('HSET', KEYS[1], ARGV[i], string.format('%.0f', math.max(now, at - tonumber(ARGV[1]))))
    moved = moved + 1
  end
end
return moved
