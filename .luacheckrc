-- Each script runs behind what `smsline/ledger/scripts.py` says of states, and behind `_lib.lua`, whose names it may use.
std = "lua51"
max_line_length = 160
read_globals = { "redis", "KEYS", "ARGV", "FINAL", "COUNT", "MOVES" }
local lib = io.open("smsline/ledger/lua/_lib.lua")
for line in lib:lines() do
  local name = line:match("^local function ([%w_]+)") or line:match("^local ([%w_]+) =")
  if name then read_globals[#read_globals + 1] = name end
end
lib:close()
-- Nothing in the library uses all of the library.
files["smsline/ledger/lua/_lib.lua"] = { ignore = { "211" } }
