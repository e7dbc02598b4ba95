"""The client that the conformance suite tests: a gateway of its own, whose only server is the suite's.

    python3 oauth_conformance_client.py URL

Signs in as a person does when a call wants it, and asks for what the scenario asks for. Standard error says how it went.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

import person
from gateway import Gateway, User
from rpc import LEGACY, Legacy, Modern, Refused

NAME = "tested"
# A scenario that refuses every token must not be signed in at for ever.
MOST_SIGN_INS = 3


def context() -> dict:
    return json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")


def issuer(url: str) -> str:
    """The authorization server at which an operator registered the client."""
    parts = urlsplit(url)
    address = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path}"
    with urllib.request.urlopen(address, timeout=30) as answer:
        return json.load(answer)["authorization_servers"][0]


def oauth(folder: Path, url: str) -> dict:
    """The settings of the client that the scenario names."""
    given = context()
    settings = {}
    if "client_id" in given:
        settings["client_id"] = given["client_id"]
    if "client_secret" in given:
        file = folder / "client-secret"
        file.write_text(given["client_secret"])
        settings |= {"client_secret_file": str(file), "issuer": issuer(url)}
    if "private_key_pem" in given:
        file = folder / "client-key.pem"
        file.write_text(given["private_key_pem"])
        settings["private_key_file"] = str(file)
    scenario = os.environ["MCP_CONFORMANCE_SCENARIO"]
    if "client-credentials" in scenario:
        settings["grant"] = "client_credentials"
    return settings


class Conversation:
    """What an agent does with the suite's server, and the person when a sign-in is wanted."""

    def __init__(self, gateway: Gateway, user: User) -> None:
        self.gateway, self.user, self.sign_ins = gateway, user, 0
        era = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION", LEGACY)
        self.era = Modern if era > LEGACY else Legacy

    async def sign_in(self, told: str) -> None:
        """Signs in at the page that an error leads to."""
        page = re.search(rf"#/connect/{NAME}(?:\?scopes=([^\s.]+))?", told)
        if not page or self.sign_ins == MOST_SIGN_INS:
            raise RuntimeError(told)
        self.sign_ins += 1
        further = {"scopes": unquote(page[1]).split(" ")} if page[1] else {}
        connection = await person.connect(self.user, NAME, **further)
        print(f"signed in at {connection['issuer']} with {connection['scopes']}", file=sys.stderr)

    async def run(self) -> None:
        while True:
            peer = self.era(self.gateway.url(NAME), self.user.headers)
            try:
                await peer.open()
                tools = await peer.tools()
                print(f"tools: {sorted(tools)}", file=sys.stderr)
                for name in tools:
                    result = await peer.call(name)
                    text = json.dumps(result)
                    if result.get("isError") and f"#/connect/{NAME}" in text:
                        await self.sign_in(text)
                        await peer.call(name)
                return
            except Refused as refused:
                await self.sign_in(json.dumps(refused.error))
            finally:
                await peer.close()


async def main(url: str) -> None:
    with tempfile.TemporaryDirectory(prefix="toolvault-") as name:
        folder = Path(name)
        settings = {"url": url, "allow_private_network": True}
        if configured := oauth(folder, url):
            settings["oauth"] = configured
        # Where servers that read them find the metadata of the client.
        gateway = Gateway(folder / "gateway", {NAME: settings}, {"public_url": "https://conformance-test.local"})
        try:
            await gateway.begin()
            await Conversation(gateway, await gateway.user("ann")).run()
        finally:
            gateway.kill()
            print(gateway.log.read_text(), file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
