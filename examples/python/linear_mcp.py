"""The same tool as an MCP server over standard input and output, without an SDK: linear_mcp.py URL-OF-LINEAR"""

import json
import os
import sys

import linear

TOOL = {
    "name": "get_issue",
    "description": "Returns an issue of Linear.",
    "inputSchema": {
        "type": "object",
        "properties": {"issue_id": {"type": "string"}, "api_token": {"type": "string"}},
        "required": ["issue_id", "api_token"],
    },
}


def answer(method: str, parameters: dict) -> dict | None:
    """The result of a request; None for an unknown method."""
    if method == "initialize":
        information = {"name": "linear", "version": "1"}
        version = parameters["protocolVersion"]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": information}
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": [TOOL]}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": linear.get_issue(**parameters["arguments"])}]}
    return None


def main() -> None:
    os.environ["LINEAR_URL"] = sys.argv[1]
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        result = answer(message["method"], message.get("params", {}))
        outcome = {"error": {"code": -32601, "message": "Method not found"}} if result is None else {"result": result}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **outcome}), flush=True)


if __name__ == "__main__":
    main()
