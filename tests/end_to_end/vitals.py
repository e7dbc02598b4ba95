"""What a server holds: memory, descriptors, threads, programs and temporary files, before and after something long."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from checks import Checks
from server import Toolvault

# How much more memory than before a server may have.
SHARE = 0.2
# More descriptors or threads than before that are no leak: the pools of connections and of blocking work vary.
VARIES = 16
# Seconds. After that much quiet the allocator has returned what it does not need, and programs have exited.
QUIET = 60
# Between two lines of progress, in seconds.
PROGRESS = 30


@dataclass(frozen=True)
class Vitals:
    """Memory in MiB, and numbers."""

    memory: int
    descriptors: int
    threads: int
    programs: int
    zombies: int
    temporary: int

    @classmethod
    def of(cls, server: Toolvault) -> "Vitals":
        process = Path("/proc", str(server.process.pid))
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        states = children(server.process.pid)
        zombies = states.count("Z")
        return cls(
            memory=int(status["VmRSS"].split()[0]) // 1024,
            # Only root can look into a process that is not dumpable.
            descriptors=len(list((process / "fd").iterdir())) if os.geteuid() == 0 else 0,
            threads=int(status["Threads"]),
            programs=len(states) - zombies,
            zombies=zombies,
            temporary=len(list(server.temporary.iterdir())),
        )


def children(parent: int) -> list[str]:
    """The states of a process's children (proc(5), `stat`)."""
    states = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, its_parent, *_ = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(its_parent) == parent:
            states.append(state)
    return states


class Growth:
    """The vitals of a server over one measure."""

    def __init__(self, name: str, server: Toolvault) -> None:
        self.name, self.server = name, server
        self.before = self.most = self.after = Vitals.of(server)
        self.shown = time.monotonic()

    def note(self, progress: str = "") -> None:
        """Looks now; prints the progress from time to time."""
        self.after = now = Vitals.of(self.server)
        self.most = Vitals(*map(max, zip(astuple(self.most), astuple(now), strict=True)))
        if progress and time.monotonic() > self.shown + PROGRESS:
            self.shown = time.monotonic()
            print(f"{self.name}: {progress}: {self.line(now)}", flush=True)

    @staticmethod
    def line(vitals: Vitals) -> str:
        values = (f"{field.name} {value}" for field, value in zip(fields(vitals), astuple(vitals), strict=True))
        return ", ".join(values).replace("memory ", "MiB ")

    def share(self, vitals: Vitals) -> str:
        return f"{100 * (vitals.memory - self.before.memory) / self.before.memory:+.0f} %"

    def is_within(self, vitals: Vitals) -> bool:
        return vitals.memory <= self.before.memory * (1 + SHARE)

    def report(self) -> None:
        for name, vitals in (("before", self.before), ("at most", self.most), ("after", self.after)):
            print(f"{self.name}, {name}: {self.line(vitals)}", flush=True)
        print(f"{self.name}: memory at most {self.share(self.most)}, after {self.share(self.after)}", flush=True)

    def judge(self, checks: Checks, vitals: Vitals) -> None:
        """Judges memory by `vitals`, and the rest by what is held in the end."""
        self.report()
        claim = f"{self.name}: memory stays within 20 % of what it was ({self.share(vitals)})"
        checks.that(claim, self.is_within(vitals), (self.before, vitals))
        for name in ("descriptors", "threads"):
            before, after = getattr(self.before, name), getattr(self.after, name)
            checks.that(f"{self.name}: {name} do not grow", after <= before + VARIES, (before, after))
        for name in ("programs", "temporary"):
            before, after = getattr(self.before, name), getattr(self.after, name)
            checks.that(f"{self.name}: no more {name} than before", after <= before, (before, after))
        checks.that(f"{self.name}: no program is left as a zombie", not self.after.zombies, self.after)


async def at_rest(server: Toolvault, is_fine: Callable[[Vitals], bool]) -> None:
    """Waits until the server holds no more than it should, but not for long."""
    until = time.monotonic() + QUIET
    while not is_fine(Vitals.of(server)) and time.monotonic() < until:
        await asyncio.sleep(0.2)
