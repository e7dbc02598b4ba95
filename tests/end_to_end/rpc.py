"""MCP without an SDK: both eras over HTTP, and standard input and output."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable

import http_stream

LEGACY, MODERN = "2025-11-25", "2026-07-28"
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
META = "io.modelcontextprotocol/"
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
TIMEOUT = 30

Answers = dict[str, Callable[[dict], dict]]


class Refused(Exception):
    """The answer is an error, of JSON-RPC or only of HTTP."""

    def __init__(self, error: dict, status: int = 200) -> None:
        super().__init__(f"{status} {error}")
        self.error, self.status = error, status

    @property
    def code(self) -> int:
        return self.error.get("code", 0)


class Peer:
    """A client: its requests, and its answers to those of the server."""

    def __init__(self, answers: Answers | None = None) -> None:
        self.answers = answers or {}
        self.numbers = itertools.count(1)
        self.waiting: dict[object, asyncio.Future] = {}
        # Notifications and requests of the server, in order.
        self.received: list[dict] = []
        # All received bytes.
        self.raw = bytearray()
        self.capabilities = {
            "sampling/createMessage": {"sampling": {}},
            "elicitation/create": {"elicitation": {}},
            "roots/list": {"roots": {"listChanged": True}},
        }

    def declared(self) -> dict:
        """The client's capabilities: the requests for which it has answers."""
        return {name: value for method in self.answers for name, value in self.capabilities.get(method, {}).items()}

    async def post(self, message: dict) -> None:
        raise NotImplementedError

    async def request(self, method: str, params: dict | None = None, within: float = TIMEOUT) -> dict:
        """Sends a request and waits for the result; raises an error."""
        number = next(self.numbers)
        future = self.waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self.post({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}})
            async with asyncio.timeout(within):
                return await future
        finally:
            self.waiting.pop(number, None)

    async def notify(self, method: str, params: dict | None = None) -> None:
        await self.post({"jsonrpc": "2.0", "method": method, "params": params or {}})

    async def call(self, tool: str, within: float = TIMEOUT, **arguments: object) -> dict:
        return await self.request("tools/call", {"name": tool, "arguments": arguments}, within)

    async def all(self, method: str, member: str) -> list[dict]:
        """Every page of a list."""
        found, cursor = [], None
        while True:
            page = await self.request(method, {"cursor": cursor} if cursor else {})
            found += page[member]
            cursor = page.get("nextCursor")
            if not cursor:
                return found

    async def tools(self) -> dict[str, dict]:
        return {tool["name"]: tool for tool in await self.all("tools/list", "tools")}

    async def dispatch(self, message: dict) -> None:
        if "method" not in message:
            future = self.waiting.get(message.get("id"))
            if future and not future.done():
                if "error" in message:
                    future.set_exception(Refused(message["error"]))
                else:
                    future.set_result(message["result"])
            return
        self.received.append(message)
        if "id" not in message:
            return
        if message["method"] in self.answers:
            result = self.answers[message["method"]](message.get("params", {}))
            await self.post({"jsonrpc": "2.0", "id": message["id"], "result": result})
        elif message["method"] == "ping":
            await self.post({"jsonrpc": "2.0", "id": message["id"], "result": {}})
        else:
            error = {"code": -32601, "message": "Method not found"}
            await self.post({"jsonrpc": "2.0", "id": message["id"], "error": error})

    def notes(self, method: str) -> list[dict]:
        """The parameters of the notifications of one kind."""
        return [message.get("params", {}) for message in self.received if message["method"] == method]

    def fail(self, message: dict, error: Exception) -> None:
        future = self.waiting.get(message.get("id"))
        if future and not future.done():
            future.set_exception(error)
        elif "method" not in message or "id" not in message:
            raise error

    async def __aenter__(self) -> "Peer":
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Connects."""

    async def close(self) -> None:
        """Disconnects."""

    async def handshake(self) -> None:
        """Sends `initialize` and `initialized`."""
        client = {"name": "toolvault-suite", "version": "1"}
        params = {"protocolVersion": LEGACY, "capabilities": self.declared(), "clientInfo": client}
        self.server = await self.request("initialize", params)
        await self.notify("notifications/initialized")


class Streamable(Peer):
    """The common part of both eras over HTTP."""

    def __init__(self, url: str, headers: dict[str, str] | None = None, answers: Answers | None = None) -> None:
        super().__init__(answers)
        self.url, self.headers = url, dict(headers or {})
        self.tasks: set[asyncio.Task] = set()

    def background(self, work) -> asyncio.Task:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def read(self, answer: http_stream.Answer, message: dict | None = None) -> None:
        """Handles all messages of one answer."""
        try:
            async for received in answer.messages():
                await self.dispatch(received)
            if message:
                self.fail(message, Refused({"message": "the stream ended without an answer"}, answer.status))
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            if message:
                self.fail(message, Refused({"message": f"the answer broke off: {error!r}"}, answer.status))
        finally:
            answer.close()
            self.raw += answer.raw

    async def send(self, message: dict, headers: dict[str, str]) -> http_stream.Answer | None:
        """Posts a message; its answer is read in the background if there is one."""
        answer = await http_stream.ask(self.url, "POST", message, self.headers | ACCEPT | headers)
        if answer.status in (200, 202):
            self.background(self.read(answer, message if "method" in message and "id" in message else None))
            return answer
        body = await answer.body()
        self.raw += answer.raw
        try:
            error = json.loads(body).get("error") or {}
        except (ValueError, AttributeError):
            error = {}
        self.fail(message, Refused(error or {"message": body[:500].decode(errors="replace")}, answer.status))
        return None

    async def close(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class Legacy(Streamable):
    """Up to 2025-11-25: a session, with an optional stream besides the requests."""

    session: str | None = None

    def its(self) -> dict[str, str]:
        known = {"Mcp-Session-Id": self.session} if self.session else {}
        return known | ({"MCP-Protocol-Version": LEGACY} if self.is_open else {})

    is_open = False

    async def post(self, message: dict) -> None:
        answer = await self.send(message, self.its())
        if answer and message.get("method") == "initialize":
            self.session = answer.headers.get("mcp-session-id")
            self.is_open = True

    async def open(self) -> None:
        await self.handshake()

    async def listen(self) -> http_stream.Answer:
        """Opens the stream besides the requests."""
        answer = await http_stream.ask(
            self.url, "GET", None, self.headers | self.its() | {"Accept": "text/event-stream"}
        )
        if answer.status != 200:
            body = await answer.body()
            raise Refused({"message": body[:300].decode(errors="replace")}, answer.status)
        self.background(self.read(answer))
        return answer

    async def close(self) -> None:
        await super().close()
        if self.session:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                answer = await http_stream.ask(self.url, "DELETE", None, self.headers | self.its())
                answer.close()


class Modern(Streamable):
    """2026-07-28: stateless requests; the server's requests come in results."""

    def __init__(self, *arguments, **named) -> None:
        super().__init__(*arguments, **named)
        self.log_level: str | None = None

    def meta(self) -> dict:
        client = {"name": "toolvault-suite", "version": "1"}
        level = {f"{META}logLevel": self.log_level} if self.log_level else {}
        return level | {
            f"{META}protocolVersion": MODERN,
            f"{META}clientCapabilities": self.declared(),
            f"{META}clientInfo": client,
        }

    async def post(self, message: dict) -> None:
        if "method" in message:
            params = dict(message.get("params", {}))
            params["_meta"] = params.get("_meta", {}) | self.meta()
            message = message | {"params": params}
        headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": message.get("method", "")}
        if message.get("method") in NAMED:
            headers["Mcp-Name"] = message["params"][NAMED[message["method"]]]
        await self.send(message, headers)

    async def open(self) -> None:
        self.server = await self.request("server/discover")

    async def request(self, method: str, params: dict | None = None, within: float = TIMEOUT) -> dict:
        """As in the base class, and answers the server's requests for input."""
        params = dict(params or {})
        for _ in range(10):
            result = await super().request(method, params, within)
            if result.get("resultType") != "input_required":
                return result
            asked = result.get("inputRequests", {})
            self.received += asked.values()
            given = {name: self.answers[one["method"]](one.get("params", {})) for name, one in asked.items()}
            params |= {"inputResponses": given}
            if "requestState" in result:
                params |= {"requestState": result["requestState"]}
        raise Refused({"message": "it asked ten times"})


class Standard(Peer):
    """A separate program, over its standard input and output."""

    def __init__(
        self, command: list[str], environment: dict[str, str] | None = None, answers: Answers | None = None
    ) -> None:
        super().__init__(answers)
        self.command, self.environment = command, environment
        # What came over standard error.
        self.errors = bytearray()

    async def open(self) -> None:
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=self.environment,
            limit=1 << 26,
        )
        self.reading = asyncio.gather(self.read(), self.read_errors())
        await self.handshake()

    async def post(self, message: dict) -> None:
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        await self.process.stdin.drain()

    async def read(self) -> None:
        while line := await self.process.stdout.readline():
            self.raw += line
            # A line that is not a message is ignored.
            with contextlib.suppress(ValueError):
                await self.dispatch(json.loads(line))

    async def read_errors(self) -> None:
        while piece := await self.process.stderr.read(1 << 16):
            self.errors += piece

    async def close(self) -> None:
        self.process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        self.reading.cancel()
