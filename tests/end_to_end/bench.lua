-- The requests of one run of wrk, from its environment, and its results as one line of JSON.

local body = os.getenv("BENCH_BODY")
local number = 0

function init()
  wrk.method = os.getenv("BENCH_METHOD")
  for line in os.getenv("BENCH_HEADERS"):gmatch("[^\n]+") do
    local name, value = line:match("^(.-): (.*)$")
    wrk.headers[name] = value
  end
  if body ~= "" then
    wrk.headers["content-type"] = "application/json"
    wrk.body = body
  end
  whole = wrk.format()
end

-- `$N` in a body stands for a number that no other request of this run has.
if body:find("$N", 1, true) then
  function request()
    number = number + 1
    return wrk.format(nil, nil, nil, (body:gsub("%$N", string.format("%08d", number))))
  end
else
  function request()
    return whole
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\n{"requests": %d, "failed": %d, "seconds": %f, "p50": %f, "p99": %f}\n',
    summary.requests, failed, summary.duration / 1e6, latency:percentile(50), latency:percentile(99)))
end
