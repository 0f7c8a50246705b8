-- Take numbers off the suppression list, with all that stands there or with what one kind of source has put there.
-- KEYS: 1 suppressions (hash)
-- ARGV: 1 kind of source ('' any), then the numbers
-- Returns: how many numbers had something taken off.
local changed = 0
for i = 2, #ARGV do
  local held = redis.call('HGET', KEYS[1], ARGV[i])
  if held then
    local entries = ARGV[1] == '' and {} or suppressions_of(held)
    if ARGV[1] == '' or entries[ARGV[1]] then
      entries[ARGV[1]] = nil
      write_suppressions(KEYS[1], ARGV[i], entries)
      changed = changed + 1
    end
  end
end
return changed
