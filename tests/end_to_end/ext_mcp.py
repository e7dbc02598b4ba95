"""Another gateway gets secrets for its tool calls, and its clients see none."""

import asyncio
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import ext_mcp_pb2
import ext_mcp_pb2_grpc
import grpc

import suite
from certificates import make_certificate
from checks import Checks, quantile
from gateway import Gateway, User
from other_gateway import OtherGateway, Rejected
from rpc import Standard
from server import free_port

PYTHON = sys.argv[1]
ZONE = "Europe/Berlin"
CALLS = 300


class World:
    """Toolvault, a Git repository, and servers for it and for the time."""

    def __init__(self, folder: Path, **settings: str) -> None:
        folder.mkdir(exist_ok=True)
        self.repository = folder / "repository"
        git = ["git", "-c", "user.name=suite", "-c", "user.email=suite@localhost"]
        subprocess.run([*git, "init", "--quiet", str(self.repository)], check=True)
        commit = ["commit", "--quiet", "--allow-empty", "--message", "the first commit"]
        subprocess.run([*git, "-C", str(self.repository), *commit], check=True)
        self.programs = {
            "git": [PYTHON, "-m", "mcp_server_git"],
            "time": [PYTHON, "-m", "mcp_server_time", "--local-timezone", "UTC"],
        }
        self.token, self.port = secrets.token_hex(32), free_port()
        token_file = folder / "token"
        token_file.write_text(f"{self.token}\n")
        self.gateway = Gateway(
            folder / "toolvault",
            # Only the other gateway reaches them.
            {name: {} for name in self.programs},
            ext_mcp__listen=f"127.0.0.1:{self.port}",
            ext_mcp__token_file=str(token_file),
            **settings,
        )

    def server(self, name: str) -> Standard:
        return Standard(self.programs[name], dict(os.environ))

    def between(self, user: User, targets: dict, **changed: object) -> OtherGateway:
        given = {"token": self.token, "credentials": {"x-api-key": user.key}} | changed
        return OtherGateway(self.port, given["token"], given["credentials"], targets)


def text(result: dict) -> str:
    return "\n".join(one.get("text", "") for one in result.get("content", []))


async def rejected(checks: Checks, claim: str, sending: object, part: str) -> None:
    try:
        got = await sending
    except Rejected as error:
        checks.that(claim, part in error.text, error)
    else:
        checks.that(claim, False, got)


async def one_server(checks: Checks, world: World, ann: User, bob: User) -> None:
    path = str(world.repository)
    async with world.server("git") as git, world.between(ann, {"git": git}) as between:
        await rejected(checks, "a tool is not called before it was listed", between.call("git_log"), "List the tools")
        tools = await between.tools()
        shown = tools["git_log"]["inputSchema"]
        is_hidden = "repo_path" not in shown["properties"] and "repo_path" not in shown.get("required", [])
        checks.that("an argument that a secret serves is hidden", is_hidden, shown)
        checks.that("other arguments are shown", "max_count" in shown["properties"], shown)
        log = text(await between.call("git_log"))
        checks.that("a call is completed", "the first commit" in log, log)
        log = text(await between.call("git_log", repo_path="/etc", max_count=1))
        checks.that("what the model sent for it is discarded", "the first commit" in log, log)
        status = text(await between.call("git_show", revision="no such revision"))
        checks.that("a result without a value passes", status != "", status)
        wrong = await between.call("git_checkout", branch_name="nowhere")
        checks.that("an error of the tool passes", wrong.get("isError") is True, wrong)
        checks.none("the client is told no value", [told for told in between.told if path in told])
        async with world.between(bob, {"git": git}) as other:
            tools = await other.tools()
            checks.that("of another user nothing is hidden", "repo_path" in tools["git_log"]["inputSchema"]["properties"])
            failed = await other.call("git_log")
            checks.that("and nothing is put in", failed.get("isError") is True and path not in text(failed), failed)


async def several(checks: Checks, world: World, ann: User) -> None:
    async with world.server("git") as git, world.server("time") as clock:
        async with world.between(ann, {"git": git, "time": clock}) as between:
            tools = await between.tools()
            servers = {name.split("_")[0] for name in tools}
            checks.that("the tools of several servers are listed", servers == {"git", "time"}, sorted(tools))
            shown = tools["time_get_current_time"]["inputSchema"]
            checks.that("each without what is hidden", "timezone" not in shown["properties"], shown)
            told = text(await between.call("time_get_current_time"))
            checks.that("a value is redacted in the result", "[secret:time-zone]" in told and ZONE not in told, told)
            log = text(await between.call("git_git_log"))
            checks.that("each server gets its own", "the first commit" in log, log)
            await unknown(checks, between)


async def unknown(checks: Checks, between: OtherGateway) -> None:
    """A message about a server that Toolvault does not know."""
    between.targets = {"unknown": next(iter(between.targets.values()))}
    await rejected(checks, "an unknown server is refused", between.call("git_log"), "no such server")
    await rejected(checks, "and its list", between.tools(), "no such server")


async def callers(checks: Checks, world: World, ann: User) -> None:
    async with world.server("git") as git:
        for claim, changed in {
            "a gateway without a token": {"token": ""},
            "a gateway with another token": {"token": secrets.token_hex(32)},
            "a caller instead of the gateway": {"token": ann.key},
        }.items():
            async with world.between(ann, {"git": git}, **changed) as between:
                try:
                    got = await between.call("git_log")
                    checks.that(f"{claim} is refused", False, got)
                except grpc.aio.AioRpcError as error:
                    checks.that(f"{claim} is refused", error.code() == grpc.StatusCode.UNAUTHENTICATED, error)
        for claim, credentials, part in (
            ("a caller without a credential", {}, ""),
            ("an unknown key", {"x-api-key": ann.key[:-4] + "aaaa"}, ""),
            ("a key without use", {"x-api-key": ann.manager}, "use"),
        ):
            async with world.between(ann, {"git": git}, credentials=credentials) as between:
                await rejected(checks, f"{claim} is refused", between.call("git_log"), part)
        async with world.between(ann, {"git": git}) as between:
            between.headers |= {"x-api-key": ann.key}
            sending = between.call("git_log")
            await rejected(checks, "a key that would go on to the server is refused", sending, "would go on")


async def limits(checks: Checks, world: World, ann: User) -> None:
    async with world.server("git") as git, world.between(ann, {"git": git}) as between:
        large = {"content": [{"type": "text", "text": "x" * (15 << 20)}]}
        passed = await between.check_response(["git"], "tools/call", large)
        checks.that("a large result passes", passed == large)
        try:
            await between.check_response(["git"], "tools/call", {"content": [{"text": "x" * (17 << 20)}]})
            checks.that("one that is too large does not", False)
        except grpc.aio.AioRpcError as error:
            checks.that("one that is too large does not", error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error)
        names, params = ["git"], {"name": "git_log", "arguments": {}}
        took = []
        for _ in range(CALLS):
            began = time.perf_counter()
            await between.check_request(names, "tools/call", params)
            took.append(time.perf_counter() - began)
        print(f"completing a call: median {quantile(took, 0.5) * 1e3:.2f} ms, 99 % {quantile(took, 0.99) * 1e3:.2f} ms")
        asking = [between.check_request(names, "tools/call", params) for _ in range(CALLS)]
        completed = await asyncio.gather(*asking)
        path = str(world.repository)
        checks.that("many calls at a time are completed", all(one["arguments"]["repo_path"] == path for one in completed))


async def called(user: User) -> list[dict]:
    """The records of a user's calls."""
    records, cursor = [], ""
    while True:
        page = (await user.ask("GET", f"/v1/audit?action=tool.called&limit=100{cursor}")).json()
        records += page["data"]
        if not page["next_cursor"]:
            return records
        cursor = f"&cursor={page['next_cursor']}"


async def again(checks: Checks, world: World, ann: User) -> None:
    """A server that was started again knows the tools."""
    await world.gateway.stop()
    await world.gateway.begin()
    async with world.server("git") as git, world.between(ann, {"git": git}) as between:
        log = text(await between.call("git_log"))
        checks.that("after a restart, a call needs no new list", "the first commit" in log, log)
    found = {(record["tool"], record["decision"]) for record in await called(ann)}
    owed = {("git__git_log", "allowed"), ("git__git_log", "denied"), ("time__get_current_time", "allowed")}
    checks.that("calls are recorded", found >= owed, found)
    verified = await world.gateway.command("audit", "verify")
    checks.that("the trail verifies", verified.returncode == 0, verified.stderr)


async def encrypted(checks: Checks, folder: Path) -> None:
    """With [tls], the service is reached over TLS and not without."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    make_certificate("IP:127.0.0.1", certificate, key)
    world = World(folder, tls__certificate=str(certificate), tls__key=str(key))
    world.gateway.start("--config", str(world.gateway.configuration))
    trusted = grpc.ssl_channel_credentials(certificate.read_bytes())
    try:
        async with grpc.aio.secure_channel(f"127.0.0.1:{world.port}", trusted) as channel:
            await asyncio.wait_for(channel.channel_ready(), 30)
            code = await asked(channel)
            checks.that("the service is reached over TLS", code == grpc.StatusCode.UNAUTHENTICATED, code)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{world.port}") as channel:
            code = await asked(channel)
            checks.that("and not without", code == grpc.StatusCode.UNAVAILABLE, code)
    finally:
        await world.gateway.stop()


async def asked(channel: grpc.aio.Channel) -> grpc.StatusCode:
    """The status of a question without a token."""
    try:
        await ext_mcp_pb2_grpc.ExtMcpStub(channel).CheckRequest(ext_mcp_pb2.McpRequest(), timeout=10)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def body(checks: Checks, folder: Path) -> None:
    (folder / "encrypted").mkdir()
    await encrypted(checks, folder / "encrypted")
    world = World(folder / "plain")
    await world.gateway.begin()
    try:
        ann, bob = await world.gateway.user("ann"), await world.gateway.user("bob")
        await ann.secret("git-path", str(world.repository), "git__*", "repo_path")
        await ann.secret("time-zone", ZONE, "time__*", "timezone")
        await one_server(checks, world, ann, bob)
        await several(checks, world, ann)
        await callers(checks, world, ann)
        await limits(checks, world, ann)
        await again(checks, world, ann)
    finally:
        await world.gateway.stop()


suite.run(body)
