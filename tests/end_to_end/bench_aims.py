"""What the benchmark aims at, beside what it measured: the end of docs/performance.md."""

import textwrap
from dataclasses import dataclass

from bench_ways import Way

# The ways and the parts, as the tables name them.
SQLITE, DISK, POSTGRES = "Toolvault, SQLite", 'Toolvault, SQLite, `audit.uses = "disk"`', "Toolvault, PostgreSQL"
FAR = "Toolvault, PostgreSQL 1 ms away"
BARE, HOP, PROXY = "a bare server (axum)", "a plain hop", "mcp-proxy"
PROBE, ETCD, PGBENCH = "fdatasync of 4 KiB", "etcd, JSON over HTTP", "PostgreSQL, one prepared INSERT (pgbench)"
RESOLVE = "Resolve a call of a user with 100 bindings, with its audit record"
GET, LIST = "Get one secret without its value", "List 20 of 100 secrets"
CHANGE, CHANGE_FAR = "Replace a value, on disk when answered", "Replace a value in a database 1 ms away"
CALL = "Call a tool over HTTP, legacy era"
# How many secrets a large store has.
MANY = 1_000_000
STORE = "Resolve a call of a user with 10 patterns, in a store with secrets of others"
PATTERNS = f"Resolve a call of a user with many patterns, in a store with {MANY:,} secrets"
AMONG = "{:,} secrets of others"
OWN = "{:,} patterns"
INSIDE = "Resolve a call without HTTP, with its key and its audit record"
START = "From the start of a server to the first completed call"
EMPTY = "Memory of a server without secrets"


@dataclass(frozen=True)
class Aim:
    """At least so much of a figure, or at most, of one way; as a share of the same figure of `base` if there is one."""

    what: str
    title: str
    connections: int
    way: str
    base: str
    goal: float
    figure: str = "per_second"
    at_most: bool = False


AIMS = [
    Aim("Resolve, requests/s, of the bare server's", RESOLVE, 1, SQLITE, BARE, 0.75),
    *(
        aim
        for count in (16, 64)
        for aim in (
            Aim("Resolve, requests/s, of the bare server's", RESOLVE, count, SQLITE, BARE, 0.8),
            Aim("Resolve, processor, of the bare server's", RESOLVE, count, SQLITE, BARE, 1.4, "processor", True),
            Aim("Resolve, p99, of the bare server's", RESOLVE, count, SQLITE, BARE, 2, "p99", True),
        )
    ),
    Aim('Resolve with `audit.uses = "disk"`, requests/s, of the bare server\'s', RESOLVE, 64, DISK, BARE, 0.3),
    Aim("Resolve on PostgreSQL, requests/s, of the bare server's", RESOLVE, 64, POSTGRES, BARE, 0.3),
    *(Aim("Get, requests/s, of the bare server's", GET, count, SQLITE, BARE, 0.85) for count in (1, 16, 64)),
    *(Aim("List, requests/s, of the bare server's", LIST, count, SQLITE, BARE, 0.65) for count in (1, 16, 64)),
    Aim("Replace, changes/s, of fdatasync", CHANGE, 1, SQLITE, PROBE, 0.4),
    Aim("Replace, changes/s, of fdatasync", CHANGE, 64, SQLITE, PROBE, 3),
    Aim("Replace, changes/s, of etcd's", CHANGE, 64, SQLITE, ETCD, 2),
    Aim("Replace on PostgreSQL, changes/s, of pgbench's", CHANGE, 64, POSTGRES, PGBENCH, 0.8),
    Aim("Replace on PostgreSQL 1 ms away, changes/s", CHANGE_FAR, 64, FAR, "", 5000),
    Aim("Replace on PostgreSQL 1 ms away, changes/s", CHANGE_FAR, 256, FAR, "", 15000),
    Aim(f"Resolve among {MANY:,} secrets, requests/s, of those without", STORE, 16, AMONG.format(MANY), AMONG.format(0), 0.9),
    Aim("Resolve with 100,000 patterns, requests/s, of those with 10", PATTERNS, 16, OWN.format(100_000), OWN.format(10), 0.9),
    Aim("Call of a tool, p50, of the plain hop's", CALL, 1, SQLITE, HOP, 1.5, "p50", True),
    Aim("Call of a tool, calls/s, of mcp-proxy's", CALL, 1, SQLITE, PROXY, 1),
    Aim("Call of a tool, calls/s, of mcp-proxy's", CALL, 16, SQLITE, PROXY, 1.5),
]

USERS = "The first request of a user after a start, one at a time"
MEMORY = "Memory"

HANDLING = (
    "Authentication, the rights of the key and its ancestors, limits, metrics and the request's ID take about as "
    "long as the bare server takes for HTTP. Fewer allocations would help: each costs more than usual, because "
    "the allocator checks its memory (its feature `secure`)."
)
# Why an aim of a part may be missed, and what would help.
REASONS = {
    RESOLVE: (
        "About two fifths of the instructions of a resolve are also those of a GET: HTTP, routing, "
        "authentication. The rest is spread over deriving keys and decrypting the value, the record with its MAC "
        "and its `write`, and the JSON of the arguments. A seventh of the time is the journal, a fifth the kernel's "
        "part of the answer, which the bare server has, too. The p99 has the writer in it, which signs a page and "
        "syncs it every 200 ms on the same processors. No single part is large; a cheaper allocator and fewer "
        "copies of the request's parts would help."
    ),
    GET: HANDLING,
    LIST: HANDLING,
    CHANGE: (
        "SQLite runs in a thread of its own: one change alone switches threads about 20 times for the steps of its "
        "transaction, and its page is hashed and signed. A writer that owns the connection would save most of them. "
        "Many at a time, encrypting, the rows and the trail's page take about as long as etcd takes for a request. "
        "On PostgreSQL groups wait for each other, because each page of the trail continues the one before. An "
        "INSERT of pgbench waits for none."
    ),
    CHANGE_FAR: (
        "A group of changes has four round trips, and the next group begins when it has ended. The delay is made "
        "by a Python program on the same processors. A commit sent together with the last statement would help."
    ),
    CALL: (
        "The plain hop copies bytes and reads nothing. Toolvault parses and checks each message, searches it for "
        "values in both directions, decrypts the secret, and records its use. About a sixth of the instructions "
        "are the search, a sixth the allocator's, a tenth the HTTP client's, which parses each URL three times. A "
        "client without its layers, and members of messages that are found once, would help."
    ),
    USERS: (
        "All secrets of a user are read and verified before one is used, so that nothing can be resolved beside "
        "an edited row. A third of the time is SQLite's thread, which copies each column of each row. Verifying them "
        "on several processors would help, where there are more than two."
    ),
    INSIDE: (
        "A third of it is the kernel's part of appending the record to the journal, a fifth cryptography (MACs, deriving "
        "keys, decrypting), a sixth the allocator, which checks its memory, and a twelfth JSON. Fewer allocations would "
        "help."
    ),
    EMPTY: (
        "Half of it is code, of which the system keeps what was used. The allocator takes pages of 2 MiB where the "
        "system has them: with the variable `MIMALLOC_ALLOW_THP=0` the server takes 11 MB less, but resolves and "
        "changes up to a quarter less."
    ),
    MEMORY: (
        "Beside the row, a cached secret has its names and patterns as texts of their own, and its places in the "
        "index. Slices of one block for each user would take less."
    ),
}


@dataclass(frozen=True)
class Figure:
    """A figure that no table of ways has, with its aim."""

    what: str
    found: float
    goal: float
    at_most: bool
    reason: str = ""


def measured(aim: Aim, results: dict[tuple[str, int], dict[str, Way]]) -> Figure | None:
    ways = results.get((aim.title, aim.connections), {})
    way, base = ways.get(aim.way), ways.get(aim.base)
    if way is None or (aim.base and base is None):
        return None
    found = way.share(base, aim.figure) if base else way.figure(aim.figure)
    what = f"{aim.what}, {aim.connections} at a time"
    return None if found is None else Figure(what, found, aim.goal, aim.at_most, aim.title)


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}".rstrip("0").rstrip(".")


def wrapped(item: str) -> str:
    return textwrap.fill(item, 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def aims(results: dict[tuple[str, int], dict[str, Way]], others: list[Figure]) -> str:
    """All aims as a table, and why some are missed."""
    known = [figure for aim in AIMS if (figure := measured(aim, results))]
    lines = [
        "## Aims\n",
        "What this benchmark aims at, computed from the tables above.\n",
        "| what | aim | here | |",
        "| --- | --- | --: | --- |",
    ]
    missed = {}
    for figure in [*known, *others]:
        is_reached = figure.found <= figure.goal if figure.at_most else figure.found >= figure.goal
        if is_reached:
            verdict = "reached"
        else:
            missed[figure.reason] = None
            verdict = f"missed by {abs(figure.found / figure.goal - 1):.0%}"
        sign = "≤" if figure.at_most else "≥"
        lines.append(f"| {figure.what} | {sign} {number(figure.goal)} | {number(figure.found)} | {verdict} |")
    told = [wrapped(f"- {name}: {REASONS[name]}") for name in missed if name in REASONS]
    if told:
        lines += ["", "Why some are missed, and what would help:\n", *told]
    return "\n".join([*lines, ""])
