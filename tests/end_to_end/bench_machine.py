"""The beginning of docs/performance.md: how, when and where it was measured."""

import datetime
import os
import platform
import re
import subprocess
import tempfile
from pathlib import Path

from server import BINARY

HEAD = """# Performance

`scripts/bench` measured this and wrote this page. Every table compares ways to do the same work on one machine in one
run: in each of {rounds} rounds, each way runs for {seconds:g} s, one after another. Numbers are medians of the rounds. "Of the first"
is the median of the ratios to the first way in the same round, so that other load on the machine affects both. The
load generator (wrk; for Redis and pgbench their own) runs on the same processors as the servers. "Processor" is what
the server's process used for one request; for Toolvault on PostgreSQL, that is without the database.

What the ways do is not the same. The bare server parses the request's JSON and answers with as much JSON. Toolvault
also authenticates, decides, decrypts, and records each use in a signed trail. etcd and Redis return a value that they
hold unencrypted, without a record. mcp-proxy adds the same argument to every call, without signing in callers,
recording, or redacting.

| | |
| --- | --- |
| Date | {date} |
| Command | `scripts/bench` |
| Processor | {processor}, {cores} cores |
| Memory | {memory} GiB |
| System | {system} |
| Files | {files} |
"""


def first(*words: str) -> str:
    """The first line that a command prints."""
    done = subprocess.run(words, capture_output=True, text=True)
    return (done.stdout or done.stderr).strip().splitlines()[0]


def file_system() -> str:
    """The file system of temporary files. One in memory would make `fdatasync` free."""
    found = first("findmnt", "--noheadings", "--output", "FSTYPE,OPTIONS", "--target", tempfile.gettempdir())
    kind, _, options = found.partition(" ")
    if kind in ("tmpfs", "ramfs"):
        raise SystemExit(f"{tempfile.gettempdir()} is in memory: set TMPDIR to a directory on a disk")
    return f"{kind} ({options.strip()})"


def describe(rounds: int, seconds: float) -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1]) >> 20
    os_release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    distribution = os_release.get("PRETTY_NAME", "").strip('"')
    text = HEAD.format(
        rounds=rounds,
        seconds=seconds,
        date=datetime.datetime.now(datetime.UTC).date(),
        processor=model[1] if model else platform.machine(),
        cores=os.cpu_count(),
        memory=memory,
        system=f"{distribution}, Linux {platform.release()}",
        files=f"{file_system()}, where the servers and the peers keep their data",
    )
    versions = {
        "Toolvault": f"{first(BINARY, '--version')}, commit {first('git', 'rev-parse', '--short', 'HEAD')}",
        "Compiler": first("rustc", "--version"),
        "PostgreSQL": first("psql", "--version"),
        "etcd": first("etcd", "--version"),
        "Redis": first("redis-server", "--version"),
        "mcp-proxy": os.environ["MCP_PROXY_VERSION"],
        "Load": first("wrk", "-v"),
    }
    return text + "\n".join(f"| {name} | {version} |" for name, version in versions.items()) + "\n"
