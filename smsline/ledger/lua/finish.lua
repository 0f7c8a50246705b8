-- Finish a claimed member of a due set: gone, or due again later. Only who still holds the lease
-- may; work that came meanwhile is kept.
-- KEYS: due set (zset)
-- ARGV: member, fence: the lease end it was claimed with, due again in ms ('' never)
-- Returns: 1, or 0 when the lease was lost or the member was made due in the meantime; in the
--          latter case it is due at the earlier time.
local member, fence, again_ms = unpack(ARGV)
return finish_lease(KEYS[1], member, fence, again_ms)
