"""Another gateway between a client and tool servers, which does with each message what agentgateway does."""

import json
from contextlib import AbstractAsyncContextManager

import ext_mcp_pb2 as messages
import ext_mcp_pb2_grpc as service
import grpc

from rpc import Peer

# How long agentgateway waits for an answer, in seconds.
PATIENCE = 10
CODES = {1: -32001, 2: -32003, 3: -32600}


class Rejected(Exception):
    """The message did not go on: the error that the client gets."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


class OtherGateway(AbstractAsyncContextManager):
    """One caller's requests on their way to the servers (`targets`), each a client of its server."""

    def __init__(self, port: int, token: str, credentials: dict[str, str], targets: dict[str, Peer]) -> None:
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.policy = service.ExtMcpStub(self.channel)
        self.token, self.credentials, self.targets = token, credentials, targets
        # The headers that go on to the servers. A transformation removed the caller's credential.
        self.headers = {":method": "POST", ":authority": "localhost", "accept": "application/json"}
        # What the client was told.
        self.told: list[str] = []

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()

    async def tools(self) -> dict[str, dict]:
        """The tools of all servers in one list. Of several servers, names begin with the server's."""
        names = list(self.targets)
        await self.check_request(names, "tools/list", None)
        listed = []
        for name, target in self.targets.items():
            for tool in (await target.request("tools/list"))["tools"]:
                prefix = f"{name}_" if len(names) > 1 else ""
                listed.append(tool | {"name": prefix + tool["name"]})
        result = await self.check_response(names, "tools/list", {"tools": listed})
        return {tool["name"]: tool for tool in result["tools"]}

    async def call(self, tool: str, **arguments: object) -> dict:
        return await self.request("tools/call", {"name": tool, "arguments": arguments}, tool)

    async def request(self, method: str, params: dict, named: str = "") -> dict:
        """A request to one server: the only one, or the one whose name `named` begins with."""
        name = next(iter(self.targets))
        if len(self.targets) > 1:
            name, own = named.split("_", 1)
            params = params | {"name": own}
        params = await self.check_request([name], method, params)
        result = await self.targets[name].request(method, params)
        return await self.check_response([name], method, result)

    def about(self, names: list[str], method: str) -> dict:
        return {"service_names": names, "method": method, "metadata_context": self.credentials}

    async def check_request(self, names: list[str], method: str, params: dict | None) -> dict | None:
        headers = [{"key": key, "value": value.encode()} for key, value in self.headers.items()]
        question = messages.McpRequest(**self.about(names, method), headers=headers)
        if params is not None:
            question.mcp_request = json.dumps(params).encode()
        answer = await self.policy.CheckRequest(question, timeout=PATIENCE, metadata=self.metadata())
        mutated = self.outcome(answer)
        # A request without parameters keeps none.
        return params if mutated is None or params is None else mutated

    async def check_response(self, names: list[str], method: str, result: dict) -> dict:
        question = messages.McpResponse(**self.about(names, method), mcp_response=json.dumps(result).encode())
        answer = await self.policy.CheckResponse(question, timeout=PATIENCE, metadata=self.metadata())
        mutated = self.outcome(answer)
        passed = result if mutated is None else mutated
        self.told.append(json.dumps(passed))
        return passed

    def metadata(self) -> tuple:
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def outcome(self, answer: object) -> dict | None:
        """What goes on in place of the content; `None` for the content itself."""
        match answer.WhichOneof("result"):
            case "pass":
                return None
            case "mutated":
                return json.loads(answer.mutated)
            case "error":
                self.told.append(answer.error.reason)
                raise Rejected(CODES.get(answer.error.code, -32603), answer.error.reason)
            case other:
                raise AssertionError(f"a violation of the protocol: {other}")
