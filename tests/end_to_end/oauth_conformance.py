"""The authorization scenarios for clients of the official conformance suite, with the gateway as the client."""

import asyncio
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import suite
from checks import Checks

FOLDER = sys.argv[1] if len(sys.argv) > 1 else ""
PROGRAM = [f"{FOLDER}/node_modules/node/bin/node", f"{FOLDER}/node_modules/@modelcontextprotocol/conformance/dist/index.js"]
CLIENT = f"{sys.executable} {Path(__file__).with_name('oauth_conformance_client.py')}"
REVISIONS = ("2025-03-26", "2025-11-25", "2026-07-28")
TIMEOUT = 120
AT_ONCE = 2
# What the gateway does not do, and why.
LEFT = {
    "auth/2025-03-26-oauth-endpoint-fallback": "no later revision has it, and a server without metadata does not promise PKCE",
    "auth/enterprise-managed-authorization": "an extension: it exchanges a token of the company's identity provider",
    "auth/dpop": "an extension: tokens that are bound to a key",
    "auth/dpop-nonce": "an extension: tokens that are bound to a key",
    "auth/wif-jwt-bearer": "an extension: assertions of a platform, while the gateway signs its own",
}
# The suite accepts only the address of a document of its own as the ID of a client, and warns of ours.
DOCUMENT = ("auth/basic-cimd", "cimd-client-id-used", "https://conformance-test.local/oauth/client.json")


@dataclass
class Outcome:
    scenario: str
    revision: str
    status: int
    output: str
    checks: list[dict]

    @property
    def name(self) -> str:
        return f"{self.scenario} ({self.revision or 'extension'})"

    def wrong(self) -> list[dict]:
        """The checks that failed, or warn of something that is not right."""
        return [one for one in self.checks if one["status"] in ("FAILURE", "WARNING") and not is_own_document(self.scenario, one)]


def is_own_document(scenario: str, check: dict) -> bool:
    found = (scenario, check["id"], check.get("details", {}).get("actualClientId"))
    return check["status"] == "WARNING" and found == DOCUMENT


def scenarios() -> list[tuple[str, str]]:
    """Every authorization scenario with each revision that has it; an extension has none."""
    listed = subprocess.run([*PROGRAM, "list", "--client"], capture_output=True, text=True, check=True, timeout=TIMEOUT)
    found = re.findall(r"^ +- (auth/\S+) \[(.*)\]$", listed.stdout, re.MULTILINE)
    pairs = []
    for name, revisions in found:
        known = [one for one in revisions.split(",") if one in REVISIONS]
        pairs += [(name, one) for one in known or [""]]
    return pairs


async def run(folder: Path, scenario: str, revision: str, free: asyncio.Semaphore) -> Outcome:
    results = folder / f"{scenario.removeprefix('auth/')}-{revision}"
    words = [*PROGRAM, "client", "--command", CLIENT, "--scenario", scenario, "-o", str(results)]
    words += ["--timeout", "60000", *(["--spec-version", revision] if revision else [])]
    pipe = asyncio.subprocess.PIPE
    async with free, asyncio.timeout(TIMEOUT):
        process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=asyncio.subprocess.STDOUT, env=os.environ)
        output, _ = await process.communicate()
    found = [check for path in results.rglob("checks.json") for check in json.loads(path.read_text())]
    return Outcome(scenario, revision, process.returncode, output.decode(errors="replace"), found)


async def conformance(checks: Checks, folder: Path) -> None:
    pairs = scenarios()
    wanted = [(name, revision) for name, revision in pairs if name not in LEFT]
    for name, reason in LEFT.items():
        print(f"left    {name}: {reason}")
    checks.that("the suite has what is left out", LEFT.keys() <= {name for name, _ in pairs}, pairs)
    checks.that("the suite has at least 40 others", len(wanted) >= 40, wanted)
    free = asyncio.Semaphore(AT_ONCE)
    outcomes = await asyncio.gather(*[run(folder, name, revision, free) for name, revision in wanted])
    for outcome in outcomes:
        passed = sum(check["status"] == "SUCCESS" for check in outcome.checks)
        holds = passed and not outcome.wrong() and (outcome.status == 0 or outcome.scenario == DOCUMENT[0])
        checks.that(f"{outcome.name}: {passed} checks", holds, (outcome.wrong(), outcome.output[-1200:]))
    own = [one for one in outcomes for check in one.checks if is_own_document(one.scenario, check)]
    checks.that("where the server reads them, the client's ID is the address of its metadata", len(own) == 2, own)


if __name__ == "__main__":
    suite.run(conformance)
