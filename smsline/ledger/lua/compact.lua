-- Keep of a closed job of one part what is shown of it: where its blocks are moves into the job, for a key of their own costs more than they do.
-- KEYS: job, got, blocks of the job (hashes)
-- ARGV: what stands for the blocks of a part that ended in the inbox
-- Returns: 1 when it was done.
local job_key, got_key, blocks_key = unpack(KEYS)
local ended = ARGV[1]
local j = redis.call('HMGET', job_key, 'closed_ms', 'parts')
local where = redis.call('HGET', blocks_key, '0')
if not j[1] or j[2] ~= '1' or not where or where == ended or redis.call('HLEN', blocks_key) ~= 1 then return 0 end
redis.call('HSET', job_key, 'only', where)
redis.call('DEL', got_key, blocks_key)
return 1
