-- Lift a park.
-- KEYS: park (hash), what telling needs (`Keys.telling`)
-- ARGV: account, what of it is parked ('' the whole account)
-- Returns: 1, or 0 when nothing was parked.
local park_key, account, subject = KEYS[1], ARGV[1], ARGV[2]
if redis.call('DEL', park_key) == 0 then return 0 end
tell(the_outbox(2), 'account.resumed', table.concat({ math.floor(now_us() / 1000), account, subject }, '\t'))
return 1
