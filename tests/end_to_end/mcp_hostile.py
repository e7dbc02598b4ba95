"""A hostile server behind the gateway: it must not get or leak anything, nor disturb other callers.

`mcp_hostile.py FIXTURE` runs everything, and then itself as an ordinary user. `mcp_hostile.py FIXTURE MEANS` runs what the
user and the sandbox of the server can matter to: hostile programs, in a sandbox by `mount-namespace` or `landlock`. What
servers over HTTP do to the gateway depends on neither.
"""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import hostile_leaks
import server
import suite
from checks import Checks
from gateway import DIRECT
from hostile_world import World

FIXTURE, MEANS = (*sys.argv[1:], "", "")[:2]
# What `toolvault doctor` says.
SAID = {"mount-namespace": b"(mount namespace)", "landlock": b"(Landlock)"}
SKIPPED = 77
HERE = Path(__file__).parent


async def hostile(checks: Checks, folder: Path) -> None:
    world = World(folder, FIXTURE, ("program",)) if MEANS else World(folder, FIXTURE)
    try:
        await world.begin()
        if MEANS:
            await world.attack(checks)
            await is_as_wanted(checks, world)
            return
        await hostile_leaks.control(checks, world.program)
        if os.environ.get(DIRECT):
            return
        await world.attack(checks)
    finally:
        world.end()
    await as_ordinary_user(checks)


async def is_as_wanted(checks: Checks, world: World) -> None:
    """The run is what it is called."""
    checks.that("the server's user is an ordinary one", os.geteuid() != 0, os.geteuid())
    said = (await world.gateway.command("doctor", "--config", str(world.gateway.configuration))).stdout
    checks.that(f"programs run in a sandbox by {MEANS}", SAID[MEANS] in said, said)


async def as_ordinary_user(checks: Checks) -> None:
    """Once with user namespaces, and once with Landlock alone, at the same time."""
    runs = await asyncio.gather(*(run_with(means) for means in SAID))
    for means, (status, output) in zip(SAID, runs, strict=True):
        print(f"--- an ordinary user, {means}\n{output}", flush=True)
        if status != SKIPPED:
            counts = re.findall(r"^(\d+) passed, (\d+) failed$", output, re.MULTILINE) or [("0", "1")]
            checks.passed += int(counts[-1][0])
            checks.failed += int(counts[-1][1])
    is_tested = any(status != SKIPPED for status, _ in runs)
    checks.that("this machine has a sandbox for an ordinary user", is_tested)


async def run_with(means: str) -> tuple[int, str]:
    options = ["--without-namespaces"] if means == "landlock" else []
    command = [sys.executable, str(HERE / "ordinary_user.py"), *options, "--"]
    command += [sys.executable, str(HERE / "mcp_hostile.py"), FIXTURE, means]
    run = lambda: subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: E731
    done = await asyncio.to_thread(run)
    return done.returncode, done.stdout


def skip_without(means: str) -> None:
    """Ends the run if this machine has no such sandbox for this user."""
    witness = str(Path(__file__))
    words = ["sandbox", "--with", means, "--conceal", witness, "--probe", witness]
    tried = subprocess.run([server.BINARY, *words], capture_output=True)
    if tried.returncode:
        print(f"skipped: {means}: {tried.stderr.decode(errors='replace')}")
        sys.exit(SKIPPED)


if __name__ == "__main__":
    if MEANS:
        skip_without(MEANS)
    suite.run(hostile)
