"""An MCP server to try the gateway with, over standard input and output: python3 examples/issues.py

Its only tool needs a token as an argument and repeats it in its answer, as a careless server might.
"""

import json
import sys

TOOL = {
    "name": "get_issue",
    "description": "Reads an issue.",
    "inputSchema": {
        "type": "object",
        "properties": {"issue_id": {"type": "string"}, "api_token": {"type": "string"}},
        "required": ["issue_id", "api_token"],
    },
}


def get_issue(issue_id: str, api_token: str) -> str:
    return f"{issue_id} was asked for with {api_token}"


def answer(method: str, params: dict) -> dict:
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "issues", "version": "1.0.0"},
        }
    if method == "tools/list":
        return {"tools": [TOOL]}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": get_issue(**params["arguments"])}]}
    raise ValueError(f"there is no method {method}")


for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    reply = {"jsonrpc": "2.0", "id": request["id"]}
    try:
        reply["result"] = answer(request["method"], request.get("params", {}))
    except Exception as error:
        reply["error"] = {"code": -32601, "message": str(error)}
    print(json.dumps(reply), flush=True)
