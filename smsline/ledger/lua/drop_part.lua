-- End the recipients of an inbox part that was never accepted, for a cancelled or overdue job. The
-- part stays, for the results.
-- KEYS: the book, job, part, blocks of the job (hashes)
-- ARGV: recipients in the part, count they go to: 'cancelled' or 'expired', letter: 'c' or 'e',
--       part number, extra json without params, or '', what stands for its blocks, what that adds
--       to the statistics (lines: "field by")
-- Returns: recipients ended.
local book = the_book()
local job_key, part_key, blocks_key = unpack(KEYS, BOOK + 1, BOOK + 3)
local recipients, count, letter, part, extra, ended, counters = unpack(ARGV)
if redis.call('EXISTS', part_key) == 0 or redis.call('HEXISTS', part_key, 'end') == 1 then return 0 end
redis.call('HSET', part_key, 'end', letter, 'x', extra)
redis.call('HSET', blocks_key, part, ended)
redis.call('HINCRBY', job_key, 'taken', 1)
redis.call('HDEL', job_key, 'params')
for field, by in string.gmatch(counters, '(%S+) (%d+)') do grow(book, field, tonumber(by)) end
tell(book, 'recipients.final', string.match(job_key, 'job:([a-z0-9]+)$') .. '|part|' .. part)
settle(book, job_key, { waiting = -recipients, [count] = tonumber(recipients) }, math.floor(now_us() / 1000))
return tonumber(recipients)
