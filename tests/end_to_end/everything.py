"""A conversation with server-everything that uses every feature of MCP."""

import asyncio
import json
import time

from checks import Checks
from rpc import Peer, Refused

ANSWERS = {
    "sampling/createMessage": lambda _: {
        "role": "assistant",
        "content": {"type": "text", "text": "it was said"},
        "model": "m",
    },
    "elicitation/create": lambda _: {"action": "accept", "content": {"name": "Somebody"}},
    "roots/list": lambda _: {"roots": [{"uri": "file:///a-root", "name": "root"}]},
}
# The arguments that may be bound to secrets.
BOUND = (("echo", "message"), ("trigger-sampling-request", "prompt"))
# It logs and announces changes every five seconds.
WITHIN = 12


def text(result: dict) -> str:
    return "\n".join(one.get("text", "") for one in result.get("content", []))


async def until(holds, within: float = WITHIN) -> bool:
    began = time.monotonic()
    while time.monotonic() < began + within:
        if holds():
            return True
        await asyncio.sleep(0.05)
    return False


async def converse(checks: Checks, name: str, peer: Peer, bound: dict[str, str], user: str = "") -> None:
    """The whole conversation; `bound` has the arguments that are injected instead of sent."""
    await listed(checks, name, peer, bound)
    await called(checks, name, peer, bound, user)
    await asked(checks, name, peer, bound, user)
    await read(checks, name, peer)
    await prompted(checks, name, peer)
    await watched(checks, name, peer)
    await broken_off(checks, name, peer)
    await tasks(checks, name, peer)


async def listed(checks: Checks, name: str, peer: Peer, bound: dict[str, str]) -> None:
    owed = {
        "echo",
        "get-sum",
        "get-tiny-image",
        "trigger-sampling-request",
        "trigger-elicitation-request",
        "get-roots-list",
    }
    # It offers some tools only after it knows the client's capabilities.
    for _ in range(100):
        tools = await peer.tools()
        if owed <= tools.keys():
            break
        await asyncio.sleep(0.05)
    checks.that(f"{name}: its tools are listed", owed <= tools.keys(), list(tools))
    for tool, argument in BOUND:
        schema = tools[tool]["inputSchema"]
        shown = argument in schema["properties"] and argument in schema["required"]
        hidden = argument not in json.dumps(schema["properties"]) and argument not in schema.get("required", [])
        checks.that(f"{name}: '{argument}' is hidden where it is bound", hidden if argument in bound else shown, schema)
    execution = tools["simulate-research-query"].get("execution")
    checks.that(f"{name}: what an SDK would drop is still there", execution == {"taskSupport": "required"}, execution)


async def called(checks: Checks, name: str, peer: Peer, bound: dict[str, str], user: str) -> None:
    given = {} if "message" in bound else {"message": "hello <&> ü"}
    echoed = text(await peer.call("echo", **given))
    owed = f"Echo: [secret:message-of-{user}]" if "message" in bound else "Echo: hello <&> ü"
    checks.that(f"{name}: echo", echoed == owed, echoed)
    total = text(await peer.call("get-sum", a=2, b=3))
    checks.that(f"{name}: numbers", "5" in total, total)
    structured = await peer.call("get-structured-content", location="Chicago")
    checks.that(f"{name}: structured content", "temperature" in structured.get("structuredContent", {}), structured)
    image = await peer.call("get-tiny-image")
    kinds = [one["type"] for one in image["content"]]
    checks.that(f"{name}: an image", kinds == ["text", "image", "text"], kinds)
    annotated = await peer.call("get-annotated-message", messageType="error")
    checks.that(f"{name}: annotations", annotated["content"][0].get("annotations", {}).get("priority") == 1, annotated)
    try:
        wrong = await peer.call("no-such-tool")
        checks.that(f"{name}: a tool that does not exist", wrong.get("isError") is True, wrong)
    except Refused as error:
        checks.that(f"{name}: a tool that does not exist", error.code == -32602, error)


async def asked(checks: Checks, name: str, peer: Peer, bound: dict[str, str], user: str) -> None:
    """The server's requests to the client."""
    given = {} if "prompt" in bound else {"prompt": "what is it?"}
    sampled = text(await peer.call("trigger-sampling-request", maxTokens=10, **given))
    checks.that(f"{name}: sampling", "it was said" in sampled, sampled)
    requests = json.dumps([one for one in peer.received if one["method"] == "sampling/createMessage"])
    owed = f"[secret:prompt-of-{user}]" if "prompt" in bound else "what is it?"
    checks.that(f"{name}: the client saw what was to be sampled", owed in requests, requests)
    elicited = text(await peer.call("trigger-elicitation-request"))
    checks.that(f"{name}: elicitation", "Somebody" in elicited, elicited)
    roots = text(await peer.call("get-roots-list"))
    checks.that(f"{name}: roots", "file:///a-root" in roots, roots)


async def read(checks: Checks, name: str, peer: Peer) -> None:
    resources = await peer.all("resources/list", "resources")
    contents = (await peer.request("resources/read", {"uri": resources[0]["uri"]}))["contents"]
    checks.that(
        f"{name}: a resource is read", contents[0]["uri"] == resources[0]["uri"] and contents[0]["text"], contents
    )
    templates = await peer.all("resources/templates/list", "resourceTemplates")
    checks.that(f"{name}: templates are listed", len(templates) == 2, templates)
    blob = (await peer.request("resources/read", {"uri": "demo://resource/dynamic/blob/1"}))["contents"][0]
    checks.that(f"{name}: a blob is read", len(blob.get("blob", "")) > 20, blob)
    try:
        await peer.request("resources/read", {"uri": "demo://resource/nothing"})
        checks.that(f"{name}: an unknown resource is refused", False)
    except Refused as error:
        checks.that(f"{name}: an unknown resource is refused", error.code in (-32602, -32002), error)


async def prompted(checks: Checks, name: str, peer: Peer) -> None:
    prompts = {prompt["name"] for prompt in await peer.all("prompts/list", "prompts")}
    checks.that(
        f"{name}: prompts are listed", {"simple-prompt", "args-prompt", "completable-prompt"} <= prompts, prompts
    )
    got = await peer.request("prompts/get", {"name": "args-prompt", "arguments": {"city": "Bern"}})
    checks.that(f"{name}: a prompt is filled in", "Bern" in json.dumps(got), got)
    reference = {"type": "ref/prompt", "name": "completable-prompt"}
    completed = await peer.request(
        "completion/complete", {"ref": reference, "argument": {"name": "department", "value": "E"}}
    )
    checks.that(f"{name}: an argument is completed", completed["completion"]["values"] == ["Engineering"], completed)


async def watched(checks: Checks, name: str, peer: Peer) -> None:
    """The server's unsolicited messages."""
    progress = {
        "name": "trigger-long-running-operation",
        "arguments": {"duration": 1, "steps": 4},
        "_meta": {"progressToken": "a-token"},
    }
    await peer.request("tools/call", progress)
    steps = [note["progress"] for note in peer.notes("notifications/progress") if note["progressToken"] == "a-token"]
    checks.that(f"{name}: progress", steps == [1, 2, 3, 4], steps)
    await peer.request("logging/setLevel", {"level": "debug"})
    before = len(peer.notes("notifications/message"))
    await peer.call("toggle-simulated-logging")
    watched = "demo://resource/dynamic/text/1"
    await peer.request("resources/subscribe", {"uri": watched})
    await peer.call("toggle-subscriber-updates")
    heard = await until(lambda: len(peer.notes("notifications/message")) > before)
    checks.that(f"{name}: log messages", heard, peer.received[-3:])
    heard = await until(lambda: {"uri": watched} in peer.notes("notifications/resources/updated"))
    checks.that(f"{name}: news of a resource", heard, peer.received[-3:])
    await peer.call("toggle-simulated-logging")
    await peer.call("toggle-subscriber-updates")
    await peer.request("resources/unsubscribe", {"uri": watched})


async def broken_off(checks: Checks, name: str, peer: Peer) -> None:
    """A call that is cancelled is not answered, and the next one is."""
    long = {"name": "trigger-long-running-operation", "arguments": {"duration": 3, "steps": 3}}
    call = asyncio.create_task(peer.request("tools/call", long))
    await asyncio.sleep(0.3)
    number = max(peer.waiting)
    await peer.notify("notifications/cancelled", {"requestId": number, "reason": "the suite"})
    began = time.monotonic()
    total = text(await peer.call("get-sum", a=20, b=22))
    checks.that(f"{name}: the next call is answered at once", "42" in total and time.monotonic() - began < 2, total)
    done, _ = await asyncio.wait([call], timeout=4)
    answered = bool(done) and call.exception() is None
    checks.that(f"{name}: a cancelled call is not answered", not answered, call)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


async def tasks(checks: Checks, name: str, peer: Peer) -> None:
    """A call that is a task (2025-11-25)."""
    call = {"name": "simulate-research-query", "arguments": {"topic": "crabs"}, "task": {"ttl": 60_000}}
    made = await peer.request("tools/call", call)
    task = made.get("task", {})
    checks.that(f"{name}: a task is made", bool(task.get("taskId")), made)
    for _ in range(100):
        state = await peer.request("tasks/get", {"taskId": task["taskId"]})
        if state["status"] not in ("working", "submitted"):
            break
        await asyncio.sleep(0.1)
    checks.that(f"{name}: a task ends", state["status"] == "completed" and "ttl" in state, state)
    result = await peer.request("tasks/result", {"taskId": task["taskId"]})
    checks.that(f"{name}: a task has a result", "crabs" in text(result), result)
