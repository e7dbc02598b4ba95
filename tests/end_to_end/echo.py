"""A tool server that answers with the arguments that it was given."""

import asyncio
import json
from pathlib import Path

from server import free_port

TOOL = {
    "name": "send",
    "inputSchema": {"type": "object", "properties": {"to": {"type": "string"}, "api_key": {"type": "string"}}},
}


class Echo:
    """An MCP server over HTTP whose tool answers with its arguments."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    async def start(self, folder: Path) -> str:
        """Starts it; returns the path of a configuration, in `folder`, with it as server `echo`."""
        self.port = free_port()
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port, limit=1 << 20)
        file = folder / "toolvault.toml"
        url = f"http://127.0.0.1:{self.port}/mcp"
        file.write_text(f'[gateway.servers.echo]\nurl = "{url}"\nallow_private_network = true\n')
        return str(file)

    def close(self) -> None:
        self.server.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = next((line[15:] for line in head.split("\r\n") if line.startswith("content-length:")), "0")
                body = await reader.readexactly(int(length))
                answer = self.answer(json.loads(body)) if body else None
                status = "200 OK" if answer else "202 Accepted"
                text = json.dumps(answer).encode() if answer else b""
                described = f"content-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
                writer.write(f"HTTP/1.1 {status}\r\n{described}".encode() + text)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    def answer(self, message: dict) -> dict | None:
        method = message.get("method")
        if method == "initialize":
            info = {"name": "echo", "version": "1"}
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
        elif method == "server/discover":
            result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "resultType": "complete"}
        elif method == "tools/list":
            result = {"tools": [TOOL], "resultType": "complete"}
        elif method == "tools/call":
            arguments = message["params"].get("arguments", {})
            self.lengths.append(len(arguments.get("api_key", "")))
            result = {"content": [{"type": "text", "text": json.dumps(arguments)}], "resultType": "complete"}
        else:
            return None
        return {"jsonrpc": "2.0", "id": message["id"], "result": result}
