"""The real binary with gateway servers, and users with secrets and keys."""

import json
import socket
import subprocess
import time
from pathlib import Path

from client import Answer
from server import Toolvault, free_port

SECRETS = "/v1/secrets/"
# If set, the suites call the servers directly and skip what only a gateway does. This checks the suites.
DIRECT = "TOOLVAULT_MCP_DIRECT"


def toml(value: object) -> str:
    """A value as TOML, which writes strings, numbers and lists of them as JSON does."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {toml(one)}" for name, one in value.items()) + " }"
    return json.dumps(value)


class User:
    """A user with secrets, and the key of their agent."""

    def __init__(self, gateway: "Gateway", name: str, user_id: str, key: str, key_id: str, manager: str) -> None:
        self.gateway, self.name, self.user_id = gateway, name, user_id
        self.key, self.key_id, self.manager = key, key_id, manager

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Sends a request to the API with the user's `manage` key, not with the agent's."""
        client = self.gateway.client(self.manager)
        try:
            return await client.request(method, path, body)
        finally:
            client.close()

    async def secret(self, name: str, value: str, tool: str, argument: str, is_default: bool = True) -> str:
        """Creates a secret; returns its ID."""
        body = {
            "secret_name": name,
            "secret_value": value,
            "tool_name": tool,
            "tool_arg": argument,
            "is_default_for_tool": is_default,
        }
        made = await self.ask("POST", SECRETS, body)
        assert made.status == 200, made
        return made.json()["secret_id"]

    async def change(self, identifier: str, **fields: object) -> None:
        done = await self.ask("PATCH", SECRETS + identifier, fields)
        assert done.status == 200, done

    async def delete(self, identifier: str) -> None:
        done = await self.ask("DELETE", SECRETS + identifier)
        assert done.status == 200, done

    async def policy(self, identifier: str, **fields: object) -> None:
        """Changes the given fields in the policy of a secret."""
        known = (await self.ask("GET", f"{SECRETS}{identifier}/policy")).json()
        done = await self.ask("PUT", f"{SECRETS}{identifier}/policy", known | fields)
        assert done.status == 200, done


class Gateway(Toolvault):
    """A Toolvault server with tool servers in its configuration."""

    def __init__(self, folder: Path, servers: dict[str, dict], gateway: dict | None = None, **settings: str) -> None:
        super().__init__(folder, **settings)
        self.configuration = folder / "toolvault.toml"
        self.write(servers, gateway or {})

    def write(self, servers: dict[str, dict], gateway: dict) -> None:
        lines = ["[gateway]", *(f"{name} = {toml(value)}" for name, value in gateway.items()), ""]
        for name, settings in servers.items():
            lines += [f"[gateway.servers.{name}]", *(f"{key} = {toml(value)}" for key, value in settings.items()), ""]
        self.configuration.write_text("\n".join(lines))

    async def begin(self) -> None:
        """Starts it and waits until it is ready."""
        await self.serve("--config", str(self.configuration))

    async def spoken(self, *words: str) -> dict:
        done = await self.command(*words, "--json")
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr.decode()[:500]}")
        return json.loads(done.stdout)

    async def user(self, name: str) -> User:
        """A new user with two keys: one with `use`, one with `manage`."""
        user_id = (await self.spoken("user", "create", name))["user_id"]
        use = await self.spoken("key", "create", "--user", name, "--scope", "use")
        manage = await self.spoken("key", "create", "--user", name, "--scope", "manage", "--scope", "audit")
        return User(self, name, user_id, use["key"], use["key_id"], manage["key"])

    def url(self, server: str = "") -> str:
        return f"http://127.0.0.1:{self.port}/mcp" + (f"/{server}" if server else "")

    async def sessions(self) -> int:
        """How many sessions it has."""
        client = self.client(self.first_keys()["operator_key"])
        text = (await client.request("GET", "/metrics")).body.decode()
        client.close()
        line = next(line for line in text.splitlines() if line.startswith("toolvault_mcp_sessions "))
        return int(line.split()[1])

    def resident(self) -> int:
        """Memory of the server, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024


def until_listening(process: subprocess.Popen, port: int, within: float = 60) -> None:
    """Waits until a program accepts connections on a port of loopback."""
    began = time.monotonic()
    while time.monotonic() < began + within:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args} does not listen on {port}")


class Program:
    """A server of the tests on a port of loopback."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str] | None = None, port: int = 0) -> None:
        """`$PORT` in the command and in the environment stands for the port."""
        self.port = port or free_port()
        words = [word.replace("$PORT", str(self.port)) for word in command]
        variables = {name: value.replace("$PORT", str(self.port)) for name, value in (environment or {}).items()}
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                words, env=variables or None, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        until_listening(self.process, self.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
