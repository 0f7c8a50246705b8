-- What calls have brought their blocks.
-- KEYS: the block of each call (hashes)
-- ARGV: the attempt of each call
-- Returns: for each {its serials as `pack_note` writes them or '', 1 when recipients of the block
--          were tried again after a receipt}.
local answer = {}
for i = 1, #KEYS do
  -- `compact` keeps the only note of a small block under a name without the attempt.
  local held = redis.call('HMGET', KEYS[i], 'z' .. ARGV[i], 'z', 'rt', 'sp')
  answer[i] = { held[1] or held[2] or '', (held[3] or held[4]) and 1 or 0 }
end
return answer
