-- Some fields of each of many hashes, in one command instead of a pipeline of them.
-- KEYS: the hashes
-- ARGV: the fields
-- Returns: for each hash its values, nil where there is none.
local answer = {}
for i = 1, #KEYS do answer[i] = redis.call('HMGET', KEYS[i], unpack(ARGV)) end
return answer
