-- Each script runs behind what `smsline/ledger/scripts.py` says of states, and behind `_lib.lua`,
-- some behind `_breaker.lua` or `_webhooks.lua`, whose names it may use.
std = "lua51"
max_line_length = 160
read_globals = { "redis", "cjson", "KEYS", "ARGV", "FINAL", "COUNT", "MOVES" }
for _, part in ipairs({ "_lib", "_breaker", "_webhooks" }) do
  local path = "smsline/ledger/lua/" .. part .. ".lua"
  local lib = io.open(path)
  for line in lib:lines() do
    local name = line:match("^local function ([%w_]+)") or line:match("^local ([%w_]+) =")
    if name then read_globals[#read_globals + 1] = name end
  end
  lib:close()
  -- Nothing in the library uses all of the library.
  files[path] = { ignore = { "211" } }
end
