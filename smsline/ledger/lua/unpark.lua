-- Lift a park.
-- KEYS: park (hash), what telling needs (`Keys.telling`)
-- ARGV: account, what of it is parked ('' the whole account)
-- Returns: 1, or 0 when nothing was parked.
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
tell(the_outbox(2), 'account.resumed', table.concat({ math.floor(now_us() / 1000), ARGV[1], ARGV[2] }, '\t'))
return 1
