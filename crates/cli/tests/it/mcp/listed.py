"""A tool server over standard input and output. Its argument is a file with its tools; it repeats the arguments of calls."""

import json
import pathlib
import sys

SERVER = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "x", "version": "1"},
}

for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    answer = {"jsonrpc": "2.0", "id": message["id"]}
    if message["method"] == "initialize":
        answer["result"] = SERVER
    elif message["method"] == "tools/list":
        answer["result"] = {"tools": json.loads(pathlib.Path(sys.argv[1]).read_bytes())}
    elif message["method"] == "tools/call":
        text = "got " + json.dumps(message["params"]["arguments"])
        answer["result"] = {"content": [{"type": "text", "text": text}]}
    else:
        answer["error"] = {"code": -32601, "message": "unknown"}
    print(json.dumps(answer), flush=True)
