-- Stores secrets through wrk: as many for each key of BENCH_KEYS as BENCH_EACH says, one user after another.

local keys = {}
for key in os.getenv("BENCH_KEYS"):gmatch("%S+") do
  keys[#keys + 1] = key
end
local each = tonumber(os.getenv("BENCH_EACH"))
local body = '{"secret_name": "secret %d", "secret_value": "lin_api_8fK2mQ9xWz4Lr7TpNc3Yh%08d", ' ..
  '"tool_name": "server_%d__*", "tool_arg": "api_token", "is_default_for_tool": true}'
local sent, answered = 0, 0

function request()
  local number = sent % each
  local key = keys[math.min(math.floor(sent / each) + 1, #keys)]
  sent = sent + 1
  local headers = { ["content-type"] = "application/json", ["x-api-key"] = key }
  return wrk.format("POST", nil, headers, body:format(number, number, number))
end

function response(status)
  answered = answered + 1
  if status ~= 200 then
    io.stderr:write("status ", status, "\n")
    os.exit(1)
  elseif answered == each * #keys then
    os.exit(0)
  end
end
