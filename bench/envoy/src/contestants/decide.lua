-- The same decision as the filter's for one rollout: match the path, hash the user, choose the arm,
-- set the five headers. FNV-1a instead of SipHash with a key: shorter in Lua. Nothing is counted.
local bit = require("bit")
local byte, find = string.byte, string.find
local bxor, lshift, tobit = bit.bxor, bit.lshift, bit.tobit

local function bucket(text)
  local hash = -2128831035 -- 2166136261 as a signed number of 32 bits
  for place = 1, #text do
    hash = bxor(hash, byte(text, place))
    -- Times 16777619, which is 2^24 + 403: the product of both would not be exact.
    hash = tobit(hash * 403 + lshift(hash, 24))
  end
  return hash % 1000000
end

function envoy_on_request(handle)
  local headers = handle:headers()
  if find(headers:get(":path"), "/v1/agents/agent-0000", 1, true) ~= 1 then
    return
  end
  local user = headers:get("x-user-id")
  local canary = user ~= nil and bucket(user) < 500000
  headers:replace("x-breakglass-rollout", "agent-0000")
  headers:replace("x-breakglass-arm", canary and "canary" or "stable")
  headers:replace("x-breakglass-version", canary and "prompt-v42" or "prompt-v41")
  headers:replace("x-breakglass-generation", "1")
  headers:replace("x-breakglass-cluster", canary and "agent-v42" or "agent-v41")
  handle:clearRouteCache()
end
