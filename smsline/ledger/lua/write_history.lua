-- Write down by how much the statistics grew in a minute, and in the hour that has ended;
-- once, however many ask.
-- KEYS: 1 what was written last (hash), 2 minutes of the hour (hash), 3 hours of the
--       ended hour's day (hash)
-- ARGV: 1 number of the write this follows ('' for none), 2 minute since the epoch, 3 its growth
--       ('' none), 4 totals, 5 expiry of the minutes s, 6 hour since the epoch, 7 the hour that has
--       ended ('' none), 8 its growth, 9 totals at its end ('' none), 10 expiry of the hours s
-- Returns: 1; 0 when another write came between.
local last_key, minutes_key, hours_key = unpack(KEYS)
local follows, minute_no, minute, totals, minutes_s, hour_no, ended_no, ended, ended_totals, hours_s = unpack(ARGV)
if (redis.call('HGET', last_key, 'seq') or '') ~= follows then return 0 end
redis.call('HINCRBY', last_key, 'seq', 1)
redis.call('HSET', last_key, 'minute', totals, 'hour_no', hour_no)
if minute ~= '' then
  redis.call('HSET', minutes_key, minute_no, minute)
  redis.call('EXPIRE', minutes_key, minutes_s)
end
if ended_no ~= '' then
  redis.call('HSET', hours_key, ended_no, ended)
  redis.call('EXPIRE', hours_key, hours_s)
end
if ended_totals ~= '' then redis.call('HSET', last_key, 'hour', ended_totals) end
return 1
