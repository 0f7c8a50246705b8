-- Write down by how much the statistics grew in a minute, and in the hour that has ended; once, however many ask.
-- KEYS: 1 what was written last (hash), 2 minutes of the hour (hash), 3 hours of the ended hour's day (hash)
-- ARGV: 1 number of the write this follows ('' for none), 2 minute since the epoch, 3 its growth ('' none), 4 totals, 5 expiry of the minutes s,
--       6 hour since the epoch, 7 the hour that has ended ('' none), 8 its growth, 9 totals at its end ('' none), 10 expiry of the hours s
-- Returns: 1; 0 when another write came between.
if (redis.call('HGET', KEYS[1], 'seq') or '') ~= ARGV[1] then return 0 end
redis.call('HINCRBY', KEYS[1], 'seq', 1)
redis.call('HSET', KEYS[1], 'minute', ARGV[4], 'hour_no', ARGV[6])
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
  redis.call('EXPIRE', KEYS[2], ARGV[5])
end
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[3], ARGV[7], ARGV[8])
  redis.call('EXPIRE', KEYS[3], ARGV[10])
end
if ARGV[9] ~= '' then redis.call('HSET', KEYS[1], 'hour', ARGV[9]) end
return 1
