-- One field of each of many hashes, in one command instead of a pipeline of them.
-- KEYS: the hashes
-- ARGV: the field to read of each, or one field for all
-- Returns: the values, '' where there is none.
local answer = {}
for i = 1, #KEYS do answer[i] = redis.call('HGET', KEYS[i], ARGV[i] or ARGV[1]) or '' end
return answer
