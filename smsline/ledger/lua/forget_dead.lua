-- Take what is left of a job's groups out of the dead letter, because the job is forgotten.
-- KEYS: the book, dead (hash)
-- ARGV: its fields
-- Returns: recipients taken out.
local book, dead_key = the_book(), KEYS[BOOK + 1]
local gone = 0
for _, field in ipairs(ARGV) do
  local by = tonumber(redis.call('HGET', dead_key, field) or 0)
  if by > 0 then
    count_dead(book, dead_key, field, -by)
    gone = gone + by
  end
end
write_grown(book)
return gone
