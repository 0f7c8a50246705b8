-- Put numbers on the suppression list, or widen what stands there. An entry is never narrowed: who wants that takes it off first.
-- KEYS: suppressions (hash), then what telling needs (`Keys.telling`)
-- ARGV: per number five: number, scope letter, when ms ('' now), source, reason
-- Returns: how many entries are new or wider than before.
local now = string.format('%.0f', math.floor(now_us() / 1000))
local changed, outbox = 0, the_outbox(2)
for i = 1, #ARGV, 5 do
  local entries = suppressions_of(redis.call('HGET', KEYS[1], ARGV[i]))
  local kind = suppression_kind(ARGV[i + 3])
  local held = entries[kind]
  if not held or SCOPES[held.scope] < SCOPES[ARGV[i + 1]] then
    entries[kind] = { scope = ARGV[i + 1], at = ARGV[i + 2] ~= '' and ARGV[i + 2] or now, source = ARGV[i + 3], reason = ARGV[i + 4] }
    write_suppressions(KEYS[1], ARGV[i], entries)
    changed = changed + 1
    -- What a person has put there is known to who did it.
    if kind ~= 'person' then tell_opt_out(outbox, ARGV[i], entries[kind]) end
  end
end
return changed
