"""The official conformance suite on the fixture, directly and through the gateway: the same checks pass."""

import asyncio
import json
import os
import re
import sys
from collections import Counter
from pathlib import Path

import suite
from checks import Checks
from gateway import DIRECT, Gateway, Program
from relay import Relay

FIXTURE, FOLDER = sys.argv[1:3] if len(sys.argv) > 2 else ("", "")
REVISIONS = ("2025-11-25", "2026-07-28")
TIMEOUT = 600
# Bound in the last rounds. The suite sends all arguments except the key; the gateway discards them.
BOUND = {
    "echo": ("api_key", "a-key-nobody-shows"),
    "test_sampling": ("prompt", "a-prompt-nobody-shows"),
    "test_elicitation": ("message", "a-message-nobody-shows"),
    "test_custom_header": ("value", "a-header-nobody-shows"),
}
# It expects an argument that is also a header, which is then hidden.
NEEDS_THE_HEADER = {"http-custom-header-server-validation"}
# A program has no streams of its own, so a single answer is JSON, which the suite reports.
STREAMS = {"server-sse-multiple-streams"}


class Outcome:
    """The results of one run of the suite."""

    def __init__(self, folder: Path, status: int, output: str) -> None:
        self.status, self.output = status, output
        self.statuses: dict[str, Counter] = {}
        self.reasons: dict[str, str] = {}
        for path in sorted(folder.glob("*/checks.json")):
            scenario = re.sub(r"^server-|-\d{4}-\d\d-\d\dT.*$", "", path.parent.name)
            found = json.loads(path.read_text())
            self.statuses[scenario] = Counter((check["id"], check["status"]) for check in found)
            self.reasons |= {check["id"]: check["errorMessage"] for check in found if check.get("errorMessage")}
        *_, unscored = output.partition("Not scored for")
        self.unscored = set(re.findall(r"^ +[✓✗] (\S+) \(", unscored, re.MULTILINE))

    def count(self, status: str) -> int:
        return sum(
            found for scenario in self.statuses.values() for (_, one), found in scenario.items() if one == status
        )

    def failed(self) -> list[str]:
        """The required checks that failed."""
        required = self.statuses.keys() - self.unscored
        failures = [(name, check) for name in required for check, status in self.statuses[name] if status == "FAILURE"]
        return [f"{name}: {check}: {self.reasons.get(check)}" for name, check in failures]

    def differences(self, other: "Outcome", scenarios: set[str]) -> list[str]:
        """The checks with a different outcome in the other run."""
        faults = []
        for name in sorted(scenarios):
            here, there = self.statuses.get(name, Counter()), other.statuses.get(name, Counter())
            faults += [f"{name}: {check} is not {status}" for check, status in here - there]
            faults += [f"{name}: {check} is {status}" for check, status in there - here]
        return faults


async def run(folder: Path, url: str, revision: str) -> Outcome:
    """Runs the server scenarios of one revision."""
    node = f"{FOLDER}/node_modules/node/bin/node"
    program = f"{FOLDER}/node_modules/@modelcontextprotocol/conformance/dist/index.js"
    words = [node, program, "server", "--url", url, "--requirements", revision, "-o", str(folder)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    try:
        async with asyncio.timeout(TIMEOUT):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        output, _ = await process.communicate()
    return Outcome(folder, process.returncode, output.decode(errors="replace"))


def judge(checks: Checks, name: str, outcome: Outcome) -> None:
    passed, failed = outcome.count("SUCCESS"), outcome.count("FAILURE")
    print(f"{name}: {passed} checks passed, {failed} failed, {len(outcome.statuses)} scenarios")
    checks.none(f"{name}: nothing that is required fails", outcome.failed())
    checks.that(f"{name}: the suite says so too", outcome.status == 0, outcome.output[-1500:])


async def through(
    checks: Checks, folder: Path, gateway: Gateway, user, server: str, direct: dict[str, Outcome], leave: set[str]
) -> None:
    """Both revisions through the gateway, compared with the direct results."""
    for revision in REVISIONS:
        name = f"{revision} through the gateway to {server}"
        async with Relay(gateway.url(server), user.headers) as relay:
            outcome = await run(folder / f"{server}-{user.name}-{revision}", relay.url, revision)
        judge(checks, f"{name} for {user.name}", outcome)
        known = direct[revision]
        scenarios = set(known.statuses) - leave - (known.unscored | STREAMS if server == "program" else set())
        checks.none(
            f"{name} for {user.name}: the checks of {len(scenarios)} scenarios come out as they do directly",
            known.differences(outcome, scenarios),
        )


async def conformance(checks: Checks, folder: Path) -> None:
    fixture = Program([FIXTURE, "http", "127.0.0.1:$PORT"], folder / "fixture.log")
    gateway = None
    try:
        direct = {revision: await run(folder / f"direct-{revision}", fixture.url, revision) for revision in REVISIONS}
        for revision, outcome in direct.items():
            judge(checks, f"{revision} directly", outcome)
            checks.that(
                f"{revision} directly: at least 80 checks pass", outcome.count("SUCCESS") >= 80, outcome.output[-500:]
            )
        # The relay that adds the key must not make a difference.
        async with Relay(fixture.url, {"X-Nothing": "1"}) as relay:
            for revision in REVISIONS:
                outcome = await run(folder / f"relay-{revision}", relay.url, revision)
                faults = direct[revision].differences(outcome, set(direct[revision].statuses))
                checks.none(f"{revision} through the relay alone comes out the same", faults)
        if os.environ.get(DIRECT):
            return
        servers = {
            "fixture": {"url": fixture.url, "allow_private_network": True},
            "program": {"command": [FIXTURE, "stdio"]},
        }
        gateway = Gateway(folder / "gateway", servers)
        await gateway.begin()
        plain, bound = await gateway.user("plain"), await gateway.user("bound")
        for tool, (argument, value) in BOUND.items():
            for server in servers:
                await bound.secret(f"{server}-{tool}", value, f"{server}__{tool}", argument)
        for server in servers:
            await through(checks, folder, gateway, plain, server, direct, set())
        for server in servers:
            await through(checks, folder, gateway, bound, server, direct, NEEDS_THE_HEADER)
        log = gateway.log.read_text()
        leaked = [value for _, value in BOUND.values() if value in log]
        checks.none("no value is in the log", leaked)
    finally:
        fixture.end()
        if gateway:
            gateway.kill()


if __name__ == "__main__":
    suite.run(conformance)
