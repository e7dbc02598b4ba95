"""The ways that a benchmark compares: how each is loaded, and what its server took."""

import json
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROUNDS = int(os.environ.get("TOOLVAULT_BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("TOOLVAULT_BENCH_SECONDS", "3"))
SCRIPT = Path(__file__).with_name("bench.lua")
TICKS = os.sysconf("SC_CLK_TCK")


def processor_time(processes: list[int]) -> float:
    """Seconds that these processes have used."""
    total = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


@dataclass
class Run:
    """One measurement. Latencies are in microseconds, and `None` if the load generator does not tell them."""

    per_second: float
    p50: float | None = None
    p99: float | None = None
    # Microseconds of the server's processors for each request.
    processor: float | None = None


@dataclass
class Way:
    """Something that does the work of a part: `load` does it for so many seconds over so many connections."""

    name: str
    load: Callable[[float, int], Run]
    runs: list[Run] = field(default_factory=list)

    def figure(self, name: str) -> float | None:
        figures = [getattr(run, name) for run in self.runs]
        return None if None in figures else statistics.median(figures)

    def share(self, base: "Way", name: str = "per_second") -> float | None:
        """The median of the ratios to the run of `base` in the same round."""
        pairs = [(getattr(one, name), getattr(other, name)) for one, other in zip(self.runs, base.runs, strict=True)]
        if any(one is None or not other for one, other in pairs):
            return None
        return statistics.median(one / other for one, other in pairs)


@dataclass
class Http:
    """Requests over HTTP by wrk, which keeps each connection open and sends one request at a time over it."""

    url: str
    process: int
    method: str = "GET"
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, seconds: float, connections: int) -> Run:
        lines = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        environment = os.environ | {"BENCH_METHOD": self.method, "BENCH_BODY": self.body, "BENCH_HEADERS": lines}
        duration = f"{max(1, round(seconds))}s"
        words = ["wrk", "-t1", f"-c{connections}", f"-d{duration}", "-s", str(SCRIPT), self.url]
        before = processor_time([self.process])
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        used = processor_time([self.process]) - before
        found = json.loads(done.stdout.splitlines()[-1])
        if found["failed"] or not found["requests"]:
            raise RuntimeError(f"{self.method} {self.url}: {found}")
        rate = found["requests"] / found["seconds"]
        return Run(rate, found["p50"], found["p99"], used / found["requests"] * 1e6)


def fdatasync(seconds: float, _connections: int) -> Run:
    """Writes of 4 KiB at the end of a file, each followed by fdatasync."""
    times = []
    with tempfile.NamedTemporaryFile(buffering=0, prefix="toolvault-probe-") as file:
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            file.write(b"\0" * 4096)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1e6)
    times.sort()
    return Run(len(times) / sum(times) * 1e6, times[len(times) // 2], times[len(times) * 99 // 100])


@dataclass
class Redis:
    """A command of Redis, by its own load generator."""

    port: int
    process: int
    command: str

    def __call__(self, seconds: float, connections: int) -> Run:
        # It takes a number of requests, not a time: a short run tells how many fit.
        count = max(1000, int(self.once(2000 * connections, connections).per_second * seconds))
        return self.once(count, connections)

    def once(self, count: int, connections: int) -> Run:
        words = ["redis-benchmark", "-p", str(self.port), "-c", str(connections), "-n", str(count), "-d", "64"]
        before = processor_time([self.process])
        done = subprocess.run([*words, "-t", self.command, "--csv"], capture_output=True, text=True, check=True)
        used = processor_time([self.process]) - before
        row = [cell.strip('"') for cell in done.stdout.splitlines()[-1].split(",")]
        # test, rps, avg, min, p50, p95, p99, max; in milliseconds
        return Run(float(row[1]), float(row[4]) * 1e3, float(row[6]) * 1e3, used / count * 1e6)


@dataclass
class Pgbench:
    """One prepared statement, by pgbench."""

    url: str
    statement: str

    def __call__(self, seconds: float, connections: int) -> Run:
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(self.statement)
            script.flush()
            words = ["pgbench", "-n", "-M", "prepared", f"-c{connections}", "-j1", f"-T{max(1, round(seconds))}"]
            done = subprocess.run([*words, "-f", script.name, self.url], capture_output=True, text=True, check=True)
        return Run(float(re.search(r"tps = ([\d.]+)", done.stdout)[1]))


def measure(ways: list[Way], connections: int) -> None:
    """Each way once in each round, one after another, so that other load on the machine affects all of them."""
    for way in ways:
        way.runs = []
        way.load(1, connections)
    for _ in range(ROUNDS):
        for way in ways:
            way.runs.append(way.load(SECONDS, connections))


def number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def table(title: str, ways: list[Way]) -> str:
    """Medians of all rounds as a table. The first way is what the others are compared with."""
    base = ways[0]
    lines = [
        f"{title}:\n",
        "| way | per second | of the first | p50 µs | p99 µs | processor µs | of the first |",
        "| --- | --: | --: | --: | --: | --: | --: |",
    ]
    for way in ways:
        share, cost = way.share(base), way.share(base, "processor")
        cells = [
            way.name,
            number(way.figure("per_second")),
            f"{share:.2f}",
            number(way.figure("p50")),
            number(way.figure("p99")),
            number(way.figure("processor")),
            "" if cost is None else f"{cost:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
