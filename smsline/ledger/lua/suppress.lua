-- Put numbers on the suppression list, or widen what stands there. An entry is never narrowed: who
-- wants that takes it off first.
-- KEYS: suppressions (hash), then what telling needs (`Keys.telling`)
-- ARGV: per number five: number, scope letter, when ms ('' now), source, reason
-- Returns: how many entries are new or wider than before.
local suppressions_key = KEYS[1]
local now = string.format('%.0f', math.floor(now_us() / 1000))
local changed, outbox = 0, the_outbox(2)
for i = 1, #ARGV, 5 do
  local number, scope, at_ms, source, reason = unpack(ARGV, i, i + 4)
  local entries = suppressions_of(redis.call('HGET', suppressions_key, number))
  local kind = suppression_kind(source)
  local held = entries[kind]
  if not held or SCOPES[held.scope] < SCOPES[scope] then
    entries[kind] = { scope = scope, at = at_ms ~= '' and at_ms or now, source = source, reason = reason }
    write_suppressions(suppressions_key, number, entries)
    changed = changed + 1
    -- What a person has put there is known to who did it.
    if kind ~= 'person' then tell_opt_out(outbox, number, entries[kind]) end
  end
end
return changed
