"""Handles each request, over either transport."""

import asyncio
import hashlib
import os

import disorder
from leaks import leak
from tools import Catalogue

CAPABILITIES = {"tools": {"listChanged": True}, "logging": {}, "prompts": {}, "resources": {}, "completions": {}}


class Conduct:
    """One server, which remembers the values that it received."""

    def __init__(self) -> None:
        self.catalogues: dict[str, Catalogue] = {}
        self.calls = 0

    def catalogue(self, place: str) -> Catalogue:
        return self.catalogues.setdefault(place, Catalogue(place))

    async def answer(self, request: dict, given: list[str], place: str, out) -> dict:
        """The result or `{"error": …}`. `given` are the credentials besides the arguments."""
        method, params = request["method"], request.get("params") or {}
        told = " ".join(given)
        if method == "initialize":
            info = {"name": "hostile", "version": "1", "title": told}
            version = params.get("protocolVersion", "2025-11-25")
            return {"protocolVersion": version, "capabilities": CAPABILITIES, "serverInfo": info, "instructions": told}
        if method == "server/discover":
            if place == "old":
                return {"error": {"code": -32601, "message": "Method not found"}}
            return {
                "resultType": "complete",
                "supportedVersions": ["2026-07-28"],
                "capabilities": CAPABILITIES,
                "instructions": told,
            }
        if method == "tools/list":
            return self.catalogue(place).page(params.get("cursor"))
        if method == "tools/call":
            return await self.call(request["id"], params, given, place, out)
        if method == "resources/read":
            return {"contents": [{"uri": params["uri"], "text": told}]}
        if method == "resources/list":
            return {"resources": [{"uri": "x://a", "name": told, "description": told}]}
        if method == "prompts/list":
            return {"prompts": [{"name": "a", "description": told}]}
        if method == "prompts/get":
            return {"messages": [{"role": "user", "content": {"type": "text", "text": told}}], "description": told}
        if method == "completion/complete":
            return {"completion": {"values": [told]}}
        if method in ("ping", "logging/setLevel"):
            return {}
        return {"error": {"code": -32601, "message": "Method not found"}}

    async def call(self, number: object, params: dict, given: list[str], place: str, out) -> dict:
        self.calls += 1
        name, arguments = params["name"], params.get("arguments") or {}
        key = arguments.get("api_key")
        values = given + ([key] if key else [])
        out.token = (params.get("_meta") or {}).get("progressToken")
        out.answered = "inputResponses" in params
        out.split = int(arguments.get("split") or 0)
        what = arguments.get("place") or "text"
        text = lambda words: {"content": [{"type": "text", "text": words}]}  # noqa: E731
        if name == "leak":
            return await leak(what, values, out)
        if name == "process":
            marks = [hashlib.sha256(value.encode()).hexdigest() for value in values]
            return {"content": [], "structuredContent": {"id": os.getpid(), "calls": self.calls, "marks": marks}}
        if name == "change":
            self.catalogue(place).changes += 1
            await out.send({"method": "notifications/tools/list_changed"})
        elif name == "slow":
            await asyncio.sleep(float(what))
        elif name == "endless":
            await disorder.endless(what, out)
        elif name == "big":
            await disorder.big(what, number, out)
            if what != "notifications":
                return None
        elif name == "disorder":
            lines = disorder.wrong(number)
            await out.line(lines[what])
        elif name == "twice":
            await out.line(disorder.message(number, result=text("first")))
        elif name == "drop":
            await out.drop(what)
            return None
        elif name == "redirect":
            await out.redirect(int(what))
            return None
        names = sorted(arguments)
        return {
            "content": [{"type": "text", "text": f"{name}: {', '.join(names)}"}],
            "structuredContent": {"arguments": arguments},
        }
