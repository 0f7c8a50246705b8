-- Tell the ledger's layout, and write it down where there is none.
-- KEYS: version (string), ids (hash)
-- ARGV: the caller's layout
-- Returns: the ledger's layout.
local version_key, ids_key = unpack(KEYS)
local layout = ARGV[1]
local found = layout_of(version_key, ids_key)
if not found then
  found = layout
  redis.call('SET', version_key, found)
end
return found
