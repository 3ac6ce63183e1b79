-- The least that splits traffic: hash the user, set one header.
local bit = require("bit")
local byte = string.byte
local bxor, lshift, tobit = bit.bxor, bit.lshift, bit.tobit

function envoy_on_request(handle)
  local headers = handle:headers()
  local user = headers:get("x-user-id") or ""
  local hash = -2128831035
  for place = 1, #user do
    hash = bxor(hash, byte(user, place))
    hash = tobit(hash * 403 + lshift(hash, 24))
  end
  local canary = hash % 1000000 < 500000
  headers:replace("x-breakglass-cluster", canary and "agent-v42" or "agent-v41")
end
