"""Counts passed and failed checks. scripts/test reads the last line."""

import math
import sys
import traceback


class Checks:
    """The checks of one suite."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def that(self, claim: str, holds: object, found: object = "") -> bool:
        """Records whether a claim is true and, if not, what was found instead."""
        if holds:
            self.passed += 1
            print(f"ok      {claim}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {claim}: {found}"[:2000], flush=True)
        return bool(holds)

    def none(self, claim: str, faults: list) -> bool:
        """Passes if nothing was found."""
        return self.that(claim, not faults, f"{len(faults)} faults, the first: {faults[:5]}")

    def crashed(self) -> None:
        """Records the exception that aborted the suite."""
        self.failed += 1
        print("FAILED  the suite ran to its end", flush=True)
        traceback.print_exc(file=sys.stdout)

    def finish(self) -> int:
        """Prints the counts and returns the exit status."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


def quantile(numbers: list[float], share: float) -> float:
    """The smallest number that at least `share` of the numbers do not exceed."""
    ordered = sorted(numbers)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def spread(seconds: list[float]) -> str:
    """Median, 99th percentile and greatest, in milliseconds."""
    numbers = (quantile(seconds, 0.5), quantile(seconds, 0.99), max(seconds))
    return "p50 {:.0f} ms, p99 {:.0f} ms, max {:.0f} ms".format(*(1000 * number for number in numbers))
