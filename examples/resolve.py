"""Call a tool with the arguments that Toolvault completes: python3 examples/resolve.py"""

import json
import os
import urllib.parse
import urllib.request


def resolve(tool: str, args: dict) -> dict:
    url = os.environ.get("TOOLVAULT_URL", "http://127.0.0.1:8710")
    request = urllib.request.Request(
        f"{url}/v1/tools/{urllib.parse.quote(tool, safe='')}/resolve",
        data=json.dumps({"args": args}).encode(),
        headers={"x-api-key": os.environ["TOOLVAULT_API_KEY"], "content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)["args"]


def get_issue_details(issue_id: str, api_token: str) -> str:
    return f"{issue_id}, asked with a token of {len(api_token)} characters"


print(get_issue_details(**resolve("agno__linear__get_issue_details", {"issue_id": "ENG-42"})))
