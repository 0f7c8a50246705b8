-- Take numbers off the suppression list, with all that stands there or with what one kind of
-- source has put there.
-- KEYS: 1 suppressions (hash)
-- ARGV: 1 kind of source ('' any), then the numbers
-- Returns: how many numbers had something taken off.
local suppressions_key, source = KEYS[1], ARGV[1]
local changed = 0
for i = 2, #ARGV do
  local held = redis.call('HGET', suppressions_key, ARGV[i])
  if held then
    local entries = source == '' and {} or suppressions_of(held)
    if source == '' or entries[source] then
      entries[source] = nil
      write_suppressions(suppressions_key, ARGV[i], entries)
      changed = changed + 1
    end
  end
end
return changed
