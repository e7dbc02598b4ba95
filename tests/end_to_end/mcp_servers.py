"""Popular servers: they behave the same through the gateway, except for bound arguments."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import everything
import suite
import toolbox
from checks import Checks
from gateway import DIRECT, Gateway, Program, User
from rpc import Legacy, Modern, Peer, Refused, Standard

FOLDER, PYTHON = sys.argv[1:3] if len(sys.argv) > 2 else ("", "")
PACKAGES = f"{FOLDER}/node_modules/@modelcontextprotocol"
NODE = f"{FOLDER}/node_modules/node/bin/node"


@dataclass
class Place:
    """The data for the servers."""

    folder: Path
    documents: Path = field(init=False)
    repository: Path = field(init=False)
    memory: Path = field(init=False)

    def __post_init__(self) -> None:
        self.documents, self.repository = self.folder / "documents", self.folder / "repository"
        self.memory = self.folder / "memory.jsonl"
        self.documents.mkdir(parents=True)
        (self.documents / "note.txt").write_text("a note")
        who = ["-c", "user.name=suite", "-c", "user.email=suite@localhost"]
        git = lambda *words: subprocess.run(["git", *who, *words], check=True, capture_output=True)  # noqa: E731
        git("init", "--quiet", str(self.repository))
        git("-C", str(self.repository), "commit", "--quiet", "--allow-empty", "--message", "the first commit")

    def programs(self) -> dict[str, list[str]]:
        """The commands of the servers over standard input and output."""
        return {
            "everything": [NODE, f"{PACKAGES}/server-everything/dist/index.js", "stdio"],
            "files": [NODE, f"{PACKAGES}/server-filesystem/dist/index.js", str(self.documents)],
            "memory": [NODE, f"{PACKAGES}/server-memory/dist/index.js"],
            "git": [PYTHON, "-m", "mcp_server_git", "--repository", str(self.repository)],
            "time": [PYTHON, "-m", "mcp_server_time", "--local-timezone", "UTC"],
        }

    def everything_over_http(self) -> Program:
        program = f"{PACKAGES}/server-everything/dist/index.js"
        command = [NODE, "--import", f"{FOLDER}/loopback.mjs", program, "streamableHttp"]
        return Program(command, self.folder / "everything.log", {"PORT": "$PORT", "PATH": os.environ["PATH"]})


def text(result: dict) -> str:
    return "\n".join(one.get("text", "") for one in result.get("content", []))


async def files(checks: Checks, name: str, peer: Peer, place: Place, bound: dict[str, str]) -> None:
    tools = await peer.tools()
    checks.that(f"{name}: it lists its tools", len(tools) >= 10 and "read_text_file" in tools, list(tools))
    note = str(place.documents / "note.txt")
    checks.that(f"{name}: it reads a file", "a note" in text(await peer.call("read_text_file", path=note)))
    written = place.documents / f"written-{len(list(place.documents.iterdir()))}.txt"
    given = {} if "content" in bound else {"content": "what was written"}
    await peer.call("write_file", path=str(written), **given)
    owed = bound.get("content", "what was written")
    checks.that(f"{name}: the file holds what it should", written.read_text() == owed, written.read_text()[:50])
    back = text(await peer.call("read_text_file", path=str(written)))
    shown = "[secret:files-content]" if "content" in bound else owed
    checks.that(f"{name}: and what is read back is shown as it should be", shown in back, back)
    refused = await peer.call("read_text_file", path="/etc/passwd")
    checks.that(f"{name}: a file outside is an error of the tool", refused.get("isError") is True, refused)


async def memory(checks: Checks, name: str, peer: Peer, place: Place, bound: dict[str, str]) -> None:
    entity = {"name": name, "entityType": "run", "observations": ["it ran", "ümläut 🦀"]}
    await peer.call("create_entities", entities=[entity])
    found = await peer.call("search_nodes", query=name)
    held = found.get("structuredContent", {}).get("entities", [])
    checks.that(f"{name}: what was remembered is found", held == [entity], found)


async def git(checks: Checks, name: str, peer: Peer, place: Place, bound: dict[str, str]) -> None:
    tools = await peer.tools()
    declared = tools["git_log"]["inputSchema"]
    hidden = "repo_path" not in declared["properties"] and "repo_path" not in declared.get("required", [])
    checks.that(f"{name}: the path is shown if nothing is bound", hidden == ("repo_path" in bound), declared)
    given = {} if "repo_path" in bound else {"repo_path": str(place.repository)}
    log = text(await peer.call("git_log", **given))
    checks.that(f"{name}: it knows the repository's log", "the first commit" in log, log)
    status = text(await peer.call("git_status", **given))
    checks.that(f"{name}: its answer does not show the path", str(place.repository) not in status or not bound, status)


async def time(checks: Checks, name: str, peer: Peer, place: Place, bound: dict[str, str]) -> None:
    given = {} if "timezone" in bound else {"timezone": "America/New_York"}
    result = await peer.call("get_current_time", **given)
    shown = "[secret:time-timezone]" if "timezone" in bound else "America/New_York"
    checks.that(f"{name}: it tells the time there", shown in text(result), result)
    wrong = await peer.call("convert_time", source_timezone="UTC", time="99:99", target_timezone="UTC")
    checks.that(f"{name}: nonsense is an error of the tool", wrong.get("isError") is True, wrong)


# The test of each server, and its bound arguments.
CONVERSATIONS = {"files": files, "memory": memory, "git": git, "time": time}
BOUND = {
    "files": ("write_file", "content", "written by nobody who knows it"),
    "time": ("get_current_time", "timezone", "Europe/Berlin"),
}
DUAL = ("git", "time")


async def directly(checks: Checks, place: Place, over_http: Program) -> None:
    programs = place.programs()
    environment = dict(os.environ) | {"MEMORY_FILE_PATH": str(place.memory)}
    for name, conversation in CONVERSATIONS.items():
        async with Standard(programs[name], environment) as peer:
            await conversation(checks, f"{name} directly", peer, place, {})
    answers = everything.ANSWERS
    async with Standard(programs["everything"], environment, answers) as peer:
        await everything.converse(checks, "everything directly over stdio", peer, {})
    async with Legacy(over_http.url, answers=answers) as peer:
        await peer.listen()
        await everything.converse(checks, "everything directly over HTTP", peer, {})


def settings(place: Place, over_http: Program, shop: Program) -> dict[str, dict]:
    servers = {name: {"command": command} for name, command in place.programs().items()}
    servers["memory"]["env"] = {"MEMORY_FILE_PATH": str(place.memory)}
    servers["everything"]["env"] = {"ISSUE_TOKEN": "secret://issue-token"}
    servers["everything-http"] = {"url": over_http.url, "allow_private_network": True}
    servers["shop"] = {"url": shop.url, "allow_private_network": True, "secure_parameters": True}
    return servers


async def bind(user: User, place: Place) -> dict[str, dict[str, str]]:
    """Stores the user's secrets; returns for each server the value of each argument."""
    bound = {}
    for server, (tool, argument, value) in BOUND.items():
        await user.secret(f"{server}-{argument}", value, f"{server}__{tool}", argument)
        bound[server] = {argument: value}
    await user.secret("git-path", str(place.repository), "git__*", "repo_path")
    bound["git"] = {"repo_path": str(place.repository)}
    for server in ("everything", "everything-http"):
        bound[server] = {}
        for tool, argument in everything.BOUND:
            value = bound[server][argument] = f"{user.name} {argument} of {server} which nobody sees"
            await user.secret(f"{argument}-of-{user.name}", value, f"{server}__{tool}", argument)
    return bound


async def behind(checks: Checks, place: Place, gateway: Gateway, user: User, bound: dict[str, dict[str, str]]) -> None:
    """Runs everything for one user."""
    for name, conversation in CONVERSATIONS.items():
        for era in (Legacy, Modern) if name in DUAL else (Legacy,):
            async with era(gateway.url(name), user.headers) as peer:
                label = f"{name} behind the gateway for {user.name}, {era.__name__.lower()}"
                await conversation(checks, label, peer, place, bound.get(name, {}))
                values = [value for value in bound.get(name, {}).values() if value.encode() in peer.raw]
                checks.none(f"{label}: no value came", values)
    for name in ("everything", "everything-http"):
        label = f"{name} behind the gateway for {user.name}"
        async with Legacy(gateway.url(name), user.headers, everything.ANSWERS) as peer:
            await peer.listen()
            await everything.converse(checks, label, peer, bound.get(name, {}), user.name)
            values = [value for value in bound.get(name, {}).values() if value.encode() in peer.raw]
            checks.none(f"{label}: no value came", values)
        # A client of the later era must be able to detect that the server is of the earlier one.
        try:
            async with Modern(gateway.url(name), user.headers):
                checks.that(f"{label}: a modern client is refused", False)
        except Refused as error:
            newer = (-32020, -32021, -32022)
            checks.that(
                f"{label}: a modern client is told to fall back",
                error.status in (400, 404, 405) and error.code not in newer,
                error,
            )


async def together(checks: Checks, gateway: Gateway, user: User) -> None:
    """All servers multiplexed on one path."""
    async with Legacy(gateway.url(), user.headers, everything.ANSWERS) as peer:
        tools = await peer.tools()
        servers = {name.split("__")[0] for name in tools}
        owed = {"everything", "everything-http", "files", "memory", "git", "time"}
        checks.that("together: the tools of all servers are listed under their names", servers == owed, servers)
        echoed = text(await peer.call("everything__echo"))
        checks.that(
            "together: a bound argument is injected", echoed == f"Echo: [secret:message-of-{user.name}]", echoed
        )
        told = text(await peer.call("time__get_current_time"))
        checks.that("together: of another server too", "[secret:time-timezone]" in told, told)
        try:
            await peer.call("nobody__nothing")
            checks.that("together: a server that does not exist is refused", False)
        except Refused as error:
            checks.that("together: a server that does not exist is refused", error.code == -32602, error)


async def apart(checks: Checks, gateway: Gateway, one: User, other: User) -> None:
    """Users share nothing."""
    for server in ("everything", "everything-http"):
        async with Legacy(gateway.url(server), one.headers) as peer:
            thief = Legacy(gateway.url(server), other.headers)
            thief.session, thief.is_open = peer.session, True
            try:
                await thief.tools()
                checks.that(f"{server}: the session of another user is not found", False)
            except Refused as error:
                checks.that(f"{server}: the session of another user is not found", error.status == 404, error)
            thief.session = None
            await thief.close()
            checks.that(f"{server}: and lives on", "echo" in await peer.tools())


async def restarts(checks: Checks, place: Place, gateway: Gateway, user: User, over_http: Program) -> Program:
    async with Legacy(gateway.url("everything-http"), user.headers) as before:
        over_http.end()
        port = over_http.port
        command = over_http.process.args
        over_http = Program(
            command, place.folder / "everything.log", {"PORT": "$PORT", "PATH": os.environ["PATH"]}, port
        )
        try:
            await before.tools()
            checks.that("a session ends with the server behind it", False)
        except Refused as error:
            # server-everything answers 400 where 404 is right; neither may look like success.
            checks.that("a session ends with the server behind it", error.status in (400, 404), error)
    async with Legacy(gateway.url("everything-http"), user.headers) as peer:
        checks.that("the next session is served", "echo" in await peer.tools())
        gateway.kill()
        await gateway.begin()
        try:
            await peer.tools()
            checks.that("a session ends with the gateway", False)
        except Refused as error:
            checks.that("a session ends with the gateway", error.status == 404, error)
    async with Legacy(gateway.url("memory"), user.headers) as peer:
        found = await peer.call("read_graph")
        held = found.get("structuredContent", {}).get("entities", [])
        checks.that("what a program keeps is there after the gateway's restart", len(held) >= 2, found)
    return over_http


async def servers(checks: Checks, folder: Path) -> None:
    place = Place(folder / "place")
    over_http = place.everything_over_http()
    shop = toolbox.begin(f"{FOLDER}/node_modules/.bin/toolbox", folder / "shop")
    gateway = None
    try:
        await directly(checks, place, over_http)
        if os.environ.get(DIRECT):
            return
        gateway = Gateway(folder / "gateway", settings(place, over_http, shop))
        await gateway.begin()
        ada, bob = await gateway.user("ada"), await gateway.user("bob")
        bound = {user.name: await bind(user, place) for user in (ada, bob)}
        for user in (ada, bob):
            await user.secret("issue-token", f"issue-token-of-{user.name}", "everything__", "env.ISSUE_TOKEN", False)
            await behind(checks, place, gateway, user, bound[user.name])
            async with Legacy(gateway.url("everything"), user.headers) as peer:
                environment = text(await peer.call("get-env"))
                checks.that(
                    f"the program of {user.name} has its token", "[secret:issue-token]" in environment, environment
                )
                checks.that(f"but nothing of the gateway's, {user.name}", "TOOLVAULT_" not in environment, environment)
        await toolbox.converse(checks, gateway, ada, "a lamp")
        await toolbox.converse(checks, gateway, bob, "a chair")
        await together(checks, gateway, ada)
        await apart(checks, gateway, ada, bob)
        over_http = await restarts(checks, place, gateway, ada, over_http)
        values = [value for user in bound.values() for server in user.values() for value in server.values()]
        log = gateway.log.read_text()
        checks.none(
            "no value is in the log", [value for value in values if value in log and value != str(place.repository)]
        )
        checks.that("the audit trail verifies", (await gateway.command("audit", "verify", "--json")).returncode == 0)
    finally:
        over_http.end()
        shop.end()
        if gateway:
            gateway.kill()


if __name__ == "__main__":
    suite.run(servers)
