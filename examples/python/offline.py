"""The examples use this instead of a network: a Toolvault server and a fake Linear, on loopback."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolvault import Toolvault

import linear

VALUE = "lin_api_of-the-team-0123456789"


def binary() -> str:
    """The path of the package's `toolvault`, or the one in TOOLVAULT_BINARY."""
    beside = Path(sys.executable).with_name("toolvault")
    found = os.environ.get("TOOLVAULT_BINARY") or shutil.which(beside) or shutil.which("toolvault")
    if not found:
        raise SystemExit("no toolvault: install the package, or set TOOLVAULT_BINARY")
    return found


@contextmanager
def offline() -> Iterator[None]:
    """Runs both, with one secret. Sets TOOLVAULT_URL, TOOLVAULT_API_KEY (a runtime's) and AGENT_KEY."""
    with (
        tempfile.TemporaryDirectory() as folder,
        linear.running() as url,
        served(Path(folder), url) as (address, operator),
    ):
        os.environ.update({"TOOLVAULT_URL": address, "LINEAR_URL": url})
        with Toolvault(address, operator) as vault:
            vault.secrets.create(
                "linear-prod", VALUE, tool_name="linear__*", tool_arg="api_token", is_default_for_tool=True
            )
            os.environ["TOOLVAULT_API_KEY"] = vault.keys.create(scopes=["resolve"], tools=["linear__*"]).key.reveal()
        yield


@contextmanager
def served(folder: Path, url: str) -> Iterator[tuple[str, str]]:
    """Runs `toolvault serve` on an empty folder; yields its URL and the operator's key."""
    command = [sys.executable, str(Path(__file__).with_name("linear_mcp.py")), url]
    configuration, log = folder / "toolvault.toml", folder / "log"
    configuration.write_text(f"[gateway.servers.linear]\ncommand = {json.dumps(command)}\n")
    words = ["serve", "--listen", "127.0.0.1:0", "--data-dir", str(folder / "data"), "--config", str(configuration)]
    with log.open("w") as output, subprocess.Popen([binary(), *words], stdout=output, stderr=output) as server:
        try:
            while not (found := re.search(r'"listening","url":"([^"]+)', log.read_text())):
                if server.poll() is not None:
                    raise SystemExit(log.read_text())
                time.sleep(0.05)
            keys = dict(re.findall(r"^(\w+)=(.+)$", (folder / "data.first-keys").read_text(), re.MULTILINE))
            os.environ["AGENT_KEY"] = keys["agent_key"]
            yield found[1], keys["operator_key"]
        finally:
            server.terminate()


def report(said: str, seen: object) -> None:
    """Prints what the agent said, and whether only Linear received the key."""
    print(said)
    print(f"Linear received the key: {linear.RECEIVED == [VALUE]}")
    print(f"The agent saw the key: {VALUE in str(seen) + said}")
