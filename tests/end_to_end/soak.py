"""The memory of one server through many values, many sessions and long attacks."""

import argparse
from pathlib import Path

import suite
from checks import Checks
from hostile_world import World
from rotations import rotations
from sessions import sessions


class Few(Checks):
    """Prints only what fails: an hour of attacks makes many thousand checks."""

    def that(self, claim: str, holds: object, found: object = "") -> bool:
        if not holds:
            return super().that(claim, holds, found)
        self.passed += 1
        return True


async def attacks(checks: Checks, folder: Path, fixture: str, minutes: float) -> None:
    folder.mkdir()
    world, few = World(folder, fixture), Few()
    try:
        await world.begin()
        growth = await world.attack_for(few, 60 * minutes)
        growth.judge(checks, growth.after)
    finally:
        world.end()
        checks.passed, checks.failed = checks.passed + few.passed, checks.failed + few.failed


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--values", type=int, default=10_000, help="new values of 64 KiB (10000); 0: none")
    parser.add_argument("--sessions", type=int, default=100_000, help="sessions (100000); 0: none")
    parser.add_argument("--minutes", type=float, default=60, help="how long the attacks last (60); 0: one round; -1: none")
    parser.add_argument("fixture", help=argparse.SUPPRESS)
    return parser.parse_args()


async def soak(checks: Checks, folder: Path) -> None:
    wanted = arguments()
    if wanted.values:
        (folder / "values").mkdir()
        await rotations(checks, folder / "values", wanted.values)
    if wanted.sessions:
        (folder / "sessions").mkdir()
        await sessions(checks, folder / "sessions", wanted.sessions)
    if wanted.minutes >= 0:
        await attacks(checks, folder / "attacks", wanted.fixture, wanted.minutes)


if __name__ == "__main__":
    suite.run(soak)
