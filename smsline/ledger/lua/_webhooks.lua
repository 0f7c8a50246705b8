-- When an endpoint is looked at next: when its first event is due, not before it is left alone no
-- more, and only while another request may be under way. `KEYS`: see `the_endpoint`.
-- An endpoint begins with a few requests at once; each that goes well allows one more, each
-- that fails halves them.
local FIRST_FLYING = 2
local MOST_FLYING = 32

-- Keys of an endpoint from `at` on: state (hash), queue, flying (zsets); `due_key` has
-- its member `to <name>`.
local function the_endpoint(at, due_key, name)
  return { state = KEYS[at], queue = KEYS[at + 1], flying = KEYS[at + 2], due_key = due_key, member = 'to ' .. name }
end

-- How many requests may be under way: one while the last one failed, so that an endpoint that
-- hangs ties up one thread.
local function may_fly(state)
  if state[1] then return 0 end
  return tonumber(state[2] or 0) > 0 and 1 or tonumber(state[4] or FIRST_FLYING)
end

local function schedule(endpoint)
  local state = redis.call('HMGET', endpoint.state, 'suspended_ms', 'in_row', 'until_ms', 'flying')
  local head = redis.call('ZRANGE', endpoint.queue, 0, 0, 'WITHSCORES')
  if not head[1] or state[1] then redis.call('ZREM', endpoint.due_key, endpoint.member); return end
  local at = math.max(tonumber(head[2]), tonumber(state[3] or 0))
  local flying = redis.call('ZRANGE', endpoint.flying, 0, 0, 'WITHSCORES')
  if redis.call('ZCARD', endpoint.flying) >= may_fly(state) then at = math.max(at, tonumber(flying[2])) end
  redis.call('ZADD', endpoint.due_key, string.format('%.3f', at), endpoint.member)
end
