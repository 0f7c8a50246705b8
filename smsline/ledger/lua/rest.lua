-- Leave batch queues alone that a park, or a held account, keeps waiting: all of one subject in one
-- step, without taking from each to find out. The first comes back when it is time for a probe;
-- those that a park keeps come back over nine times as long, as `begin` has it.
-- KEYS: due send of the lane (zset), breaker, parks of the account, its side, the template and
--       the country (hashes)
-- ARGV: park probe ms, then batch queues
-- Returns: how many are left alone; 0 when nothing keeps them waiting (any more).
local due_key, breaker_key = unpack(KEYS, 1, 2)
local park_probe_ms = tonumber(ARGV[1])
local FIRST_PARK, FIRST_QUEUE = 3, 2
local now = math.floor(now_us() / 1000)
local probe, spread = 0, 0
for k = FIRST_PARK, #KEYS do probe = math.max(probe, tonumber(redis.call('HGET', KEYS[k], 'probe_ms') or 0)) end
if probe > now then spread = 9 * park_probe_ms end
local b = breaker_read(breaker_key, ARGV[FIRST_QUEUE])
if b.held_ms and tonumber(b.grants or 0) == 0 and not breaker_unlike(b, now) then
  probe = math.max(probe, math.min(tonumber(b.probe_ms), now + tonumber(b.pause_ms)))
end
if probe <= now then return 0 end
local count = #ARGV - FIRST_QUEUE + 1
for i = 0, count - 1 do
  redis.call('ZADD', due_key, 'XX', string.format('%.3f', probe + spread * i / count), ARGV[FIRST_QUEUE + i])
end
return count
