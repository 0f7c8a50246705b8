-- Park an account or a template of it, or keep it parked and note the newest code.
-- KEYS: park (hash), then what telling needs (`Keys.telling`)
-- ARGV: account, template ('' the whole account), code, ms until a probe, message
-- Returns: 1 when it was not parked before.
local key = KEYS[1]
local account, template, code, probe_ms, message = unpack(ARGV)
local now = math.floor(now_us() / 1000)
local new = redis.call('HSETNX', key, 'since_ms', now)
redis.call('HSET', key, 'account', account, 'template', template, 'code', code, 'message', message)
if new == 1 or probe_ms == '0' then redis.call('HSET', key, 'probe_ms', now + tonumber(probe_ms)) end
if new == 1 then tell(the_outbox(2), 'account.parked', table.concat({ now, account, template, code, message }, '\t')) end
return new
