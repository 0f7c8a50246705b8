-- Leave batch queues alone that a park, or a held account, keeps waiting: all of one subject in one step, without taking from each to find out.
-- The first comes back when it is time for a probe; those that a park keeps come back over nine times as long, as `begin` has it.
-- KEYS: due send of the lane (zset), breaker, parks of the account, its side and the template (hashes)
-- ARGV: park probe ms, then batch queues
-- Returns: how many are left alone; 0 when nothing keeps them waiting (any more).
local due_key, breaker_key = unpack(KEYS, 1, 2)
local park_probe_ms = tonumber(ARGV[1])
local FIRST_PARK, FIRST_QUEUE = 3, 2
local now = math.floor(now_us() / 1000)
local probe, spread = 0, 0
for k = FIRST_PARK, #KEYS do probe = math.max(probe, tonumber(redis.call('HGET', KEYS[k], 'probe_ms') or 0)) end
if probe > now then spread = 9 * park_probe_ms end
local b = redis.call('HMGET', breaker_key, 'held_ms', 'probe_ms', 'grants', 'pause_ms')
if b[1] and tonumber(b[3] or 0) == 0 then probe = math.max(probe, math.min(tonumber(b[2]), now + tonumber(b[4]))) end
if probe <= now then return 0 end
local count = #ARGV - FIRST_QUEUE + 1
for i = 0, count - 1 do
  redis.call('ZADD', due_key, 'XX', string.format('%.3f', probe + spread * i / count), ARGV[FIRST_QUEUE + i])
end
return count
