"""Runs triage.yaml without a network: with its own Toolvault, a fake Linear on loopback and a scripted model.

python examples/python/iointel/offline.py [PATH OF toolvault]
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fakes

DEFAULT = "lin_api_of-the-team-0123456789"
AUDIT = "lin_api_of-the-audit-0123456789"
ROTATED = "lin_api_of-the-team-rotated-5678"


@contextmanager
def toolvault(binary: str, folder: Path) -> Iterator[dict[str, str]]:
    """Runs a server on an empty folder; yields the environment for commands and clients."""
    log, keys = folder / "log", folder / "data.first-keys"
    command = [binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", str(folder / "data")]
    with log.open("w") as output, subprocess.Popen(command, stderr=output) as server:
        try:
            while not (found := re.search(r'"listening","url":"([^"]+)', log.read_text())):
                if server.poll() is not None:
                    sys.exit(log.read_text())
                time.sleep(0.05)
            (key,) = re.findall("^operator_key=(.+)$", keys.read_text(), re.MULTILINE)
            yield {"TOOLVAULT_URL": found[1], "TOOLVAULT_API_KEY": key}
        finally:
            server.terminate()


def main(binary: str) -> None:
    linear, model = (
        fakes.Linear(),
        fakes.Model(
            ("agno__linear__get_user_details", {}), ("agno__linear__get_issue_details", {"issue_id": "ENG-42"})
        ),
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        fakes.answering(linear.answer, "application/json") as linear_url,
        fakes.answering(model.answer, "text/event-stream") as model_url,
        toolvault(binary, Path(folder)) as environment,
    ):

        def vault(*words: str, value: str | None = None) -> None:
            subprocess.run([binary, *words], input=value, text=True, check=True, stdout=subprocess.DEVNULL)

        os.environ.update(environment)
        os.environ.update({"IO_API_BASE_URL": f"{model_url}/v1", "IO_API_KEY": "the scripted model needs none"})
        vault(
            "secret",
            "create",
            "linear-prod",
            "--tool",
            "agno__linear__*",
            "--arg",
            "api_token",
            "--default",
            value=DEFAULT,
        )
        vault(
            "secret",
            "create",
            "linear-audit",
            "--tool",
            "agno__linear__get_issue_details",
            "--arg",
            "api_token",
            value=AUDIT,
        )
        lead_to(linear_url)
        run(linear)
        vault("secret", "set", "linear-prod", "--value-file", "-", value=ROTATED)
        run(linear)
        shown = any(value in repr(model.received) for value in (DEFAULT, AUDIT, ROTATED))
        print(f"The model was asked {len(model.received)} times and saw {'a' if shown else 'no'} credential.")


def lead_to(url: str) -> None:
    """Makes agno's Linear, whose address is fixed, call another server."""
    import requests
    from agno.tools import linear

    class Requests:
        exceptions = requests.exceptions

        @staticmethod
        def post(_: str, **rest: object) -> requests.Response:
            return requests.post(url, timeout=10, **rest)  # type: ignore[arg-type]

    linear.requests = Requests


def run(linear: fakes.Linear) -> None:
    import triage

    print(asyncio.run(triage.triage()))
    for credential in linear.received:
        print(f"  Linear was asked with {credential[:17]}…{credential[-4:]}")
    linear.received.clear()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TOOLVAULT_BINARY", "toolvault"))
