-- Finish a claimed member of a due set: gone, or due again later. Only who still holds the lease may; work that came meanwhile is kept.
-- KEYS: 1 due set (zset)
-- ARGV: 1 member, 2 fence: the lease end it was claimed with, 3 due again in ms ('' never)
-- Returns: 1, or 0 when the lease was lost or the member was made due in the meantime; in the latter case it is due at the earlier time.
return finish_lease(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
