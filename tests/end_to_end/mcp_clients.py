"""Real clients: each sees the tools without the bound arguments, calls one without them and gets the answer."""

import asyncio
import json
import os
import sys
from pathlib import Path

import suite
from checks import Checks
from gateway import DIRECT, Gateway, Program

FIXTURE, FOLDER, PYTHONS = (sys.argv[1], sys.argv[2], sys.argv[3:]) if len(sys.argv) > 3 else ("", "", [])
HERE = Path(__file__).parent.parent / "mcp" / "clients"
VALUE = "a-key-that-no-client-sees"
SHOWN = "[secret:the-key]"
NODE = f"{FOLDER}/node_modules/node/bin/node"
TIMEOUT = 120


def programs() -> dict[str, list[str]]:
    """The command for each client; URL, key, tool and arguments are appended."""
    names = ("python_2", "python_1", "langchain_tools", "pydantic_agent")
    python = {name: [python, str(HERE / f"{name}.py")] for name, python in zip(names, PYTHONS, strict=True)}
    node = {f"typescript {name}": [NODE, f"{FOLDER}/{name}.mjs"] for name in ("legacy", "modern")}
    return python | node


async def run(words: list[str]) -> list[dict]:
    """Runs a program and reads its lines; raises if it fails."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(TIMEOUT):
            output, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    if process.returncode != 0:
        raise RuntimeError(f"{words[:2]} ended with {process.returncode}: {errors.decode()[-1500:]}")
    if VALUE.encode() in output + errors:
        raise RuntimeError(f"{words[:2]} was shown the value")
    return [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]


async def official_rust(url: str, key: str, tool: str, given: str) -> list[dict]:
    lines = await run([FIXTURE, "client", url, tool, given, key])
    for line in lines:
        line["tools"] = {one["name"]: one["inputSchema"] for one in line["tools"]}
        line["text"] = line["result"]["content"][0]["text"]
    return lines


async def inspector(url: str, key: str, tool: str, given: str) -> list[dict]:
    program = [NODE, f"{FOLDER}/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"]
    arguments = [f"{name}={value}" for name, value in json.loads(given).items()]
    lines = []
    for era in ("legacy", "auto", "modern"):
        words = [
            *program,
            "--cli",
            "--transport",
            "http",
            "--server-url",
            url,
            "--header",
            f"Authorization: Bearer {key}",
        ]
        words += ["--protocol-era", era, "--format", "json", "-q"]
        listed = await run([*words, "--method", "tools/list"])
        called = await run(
            [*words, "--method", "tools/call", "--tool-name", tool, *(["--tool-arg", *arguments] if arguments else [])]
        )
        tools = listed[0].get("result", listed[0])["tools"]
        result = called[0].get("result", called[0])
        lines.append(
            {
                "era": era,
                "tools": {one["name"]: one["inputSchema"] for one in tools},
                "text": result["content"][0]["text"],
            }
        )
    return lines


async def each(checks: Checks, place: str, url: str, key: str, tool: str, given: dict, owed: dict) -> None:
    """Every client with one URL. `owed` is the expected answer of the tool, which contains the key if it is not hidden."""
    words = [url, key, tool, json.dumps(given)]
    calls = {name: (lambda program=program: run([*program, *words])) for name, program in programs().items()}
    calls |= {"rmcp": lambda: official_rust(*words), "inspector": lambda: inspector(*words)}
    for name, call in calls.items():
        try:
            lines = await call()
        except (RuntimeError, TimeoutError, KeyError, IndexError, ValueError) as error:
            checks.that(f"{name} {place}: it ran", False, repr(error))
            continue
        checks.that(f"{name} {place}: it ran", bool(lines), lines)
        for line in lines:
            era = line["era"]
            declared = line["tools"][tool]
            names = set(declared.get("properties", {})) | set(declared.get("required", []))
            owed_names = {"message"} | ({"api_key"} if "api_key" in given else set())
            checks.that(
                f"{name} {place}, {era}: it sees the arguments that it is to give", names == owed_names, declared
            )
            checks.that(f"{name} {place}, {era}: it gets the answer", json.loads(line["text"]) == owed, line["text"])


async def clients(checks: Checks, folder: Path) -> None:
    fixture = Program([FIXTURE, "http", "127.0.0.1:$PORT"], folder / "fixture.log")
    gateway = None
    hello = "hello <ü>"
    try:
        plain = {"message": hello, "api_key": "a-plain-key"}
        await each(checks, "directly", fixture.url, "nothing", "echo", plain, plain)
        if os.environ.get(DIRECT):
            return
        servers = {
            "fixture": {"url": fixture.url, "allow_private_network": True},
            "program": {"command": [FIXTURE, "stdio"]},
        }
        gateway = Gateway(folder / "gateway", servers)
        await gateway.begin()
        user = await gateway.user("ada")
        for server in servers:
            await user.secret("the-key", VALUE, f"{server}__echo", "api_key")
        owed = {"message": hello, "api_key": SHOWN}
        for server in servers:
            await each(checks, f"to {server}", gateway.url(server), user.key, "echo", {"message": hello}, owed)
        await each(checks, "to all", gateway.url(), user.key, "fixture__echo", {"message": hello}, owed)
    finally:
        fixture.end()
        if gateway:
            gateway.kill()


if __name__ == "__main__":
    suite.run(clients)
