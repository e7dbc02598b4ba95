"""The changes that were acknowledged to writers, and whether a restarted server agrees.

A secret's state is its value with its argument, so that a partial change is noticed, too.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

from client import Client

State = tuple[str, str]
SECRETS = "/v1/secrets/"
CALLS_AT_ONCE = 100
GONE: State = ("", "")


@dataclass
class Entry:
    """One secret: the state that was acknowledged last, and the requested one without an answer."""

    name: str
    acknowledged: State | None
    identifier: str | None = None
    in_flight: State | None = None
    # The headers and body of a create without an answer, to repeat it with the same Idempotency-Key.
    unanswered: tuple[dict, dict] | None = None

    def allowed(self) -> set[State]:
        return {state for state in (self.acknowledged or GONE, self.in_flight) if state}

    def settle(self, state: State) -> None:
        """Treats the current state as acknowledged from now on."""
        self.acknowledged, self.in_flight = state, None


@dataclass
class Journal:
    """The entries of all writers, and the tools that were resolved since the last verdict."""

    entries: list[Entry] = field(default_factory=list)
    used_tools: set[str] = field(default_factory=set)
    acknowledged: int = 0

    def forget_gone(self) -> None:
        """Drops deleted secrets; one that reappears would be unknown."""
        self.entries = [entry for entry in self.entries if entry.acknowledged != GONE or entry.in_flight]


def tool_of(name: str) -> str:
    return f"crash__{name}"


def call_for(identifier: str, name: str, argument: str) -> dict:
    return {"tool_name": tool_of(name), "args": {}, "bindings": {argument: f"secret:///id/{identifier}"}}


async def list_secrets(client: Client) -> dict[str, dict]:
    """All of the user's secrets by id."""
    found: dict[str, dict] = {}
    while True:
        page = (await client.request("GET", f"{SECRETS}?limit=1000&offset={len(found)}")).json()
        found |= {secret["secret_id"]: secret for secret in page["data"]}
        if len(found) >= page["total"] or not page["data"]:
            return found


async def observe(client: Client) -> dict[str, tuple[str, State]]:
    """The name and state of every secret by ID, with values from `resolve`."""
    listed = list((await list_secrets(client)).values())
    states: dict[str, tuple[str, State]] = {}
    for start in range(0, len(listed), CALLS_AT_ONCE):
        some = listed[start : start + CALLS_AT_ONCE]
        calls = [call_for(one["secret_id"], one["secret_name"], one["tool_arg"]) for one in some]
        answer = await client.request("POST", "/v1/resolve", {"calls": calls})
        for one, result in zip(some, answer.json()["results"], strict=True):
            argument = one["tool_arg"]
            value = result["result"]["args"][argument] if result["status"] == 200 else f"unreadable: {result}"
            states[one["secret_id"]] = (one["secret_name"], (value, argument))
    return states



def judge(journal: Journal, observed: dict[str, tuple[str, State]]) -> list[str]:
    """Every difference between the actual and the acknowledged state; settles what was in flight."""
    faults = []
    unexplained = dict(observed)
    by_name: dict[str, list[str]] = {}
    for identifier, (name, _) in observed.items():
        by_name.setdefault(name, []).append(identifier)
    for entry in journal.entries:
        if entry.identifier is None:
            found = by_name.get(entry.name, [])
            if len(found) > 1:
                faults.append(f"{entry.name}: created {len(found)} times")
            entry.identifier = found[0] if found else None
        name, state = unexplained.pop(entry.identifier, (entry.name, GONE))
        if name != entry.name:
            faults.append(f"{entry.identifier}: named {name}, not {entry.name}")
        if state not in entry.allowed():
            faults.append(f"{entry.identifier} {name}: is {state}, was {sorted(entry.allowed())}")
        entry.settle(state)
    faults += [f"{identifier} {name}: unknown" for identifier, (name, _) in unexplained.items()]
    return faults


async def missing_uses(client: Client, tools: set[str], since: str) -> set[str]:
    """The tools that received a value without a record of it."""
    missing = set(tools)
    cursor = ""
    while missing:
        path = f"/v1/audit?action=secret.used&limit=1000&since={quote(since)}{cursor}"
        page = (await client.request("GET", path)).json()
        missing -= {record["tool"] for record in page["data"]}
        if not page["next_cursor"]:
            break
        cursor = f"&cursor={quote(page['next_cursor'])}"
    return missing
