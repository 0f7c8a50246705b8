-- Write an event into the outbox, unless no endpoint wants its type.
-- KEYS: what telling needs (`Keys.telling`)
-- ARGV: type, the event as text
-- Returns: 1 when it was written.
local book = the_outbox(1)
tell(book, ARGV[1], ARGV[2])
return is_wanted(book, ARGV[1]) and 1 or 0
