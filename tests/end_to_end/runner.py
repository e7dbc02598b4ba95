"""scripts/test with suites and a cargo of its own: what it does when it is ended, or when something else ends its parts."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from checks import Checks

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
# It says that it began, and holds the pipe until it ends.
LASTING = '#!/bin/sh\nexec 3>"$STARTED"\necho began >&3\nexec sleep 600\n'
# Kills the process of scripts/test that waits for it.
KILLING = '#!/bin/sh\necho "9 passed, 0 failed"\nkill -9 $(ps -o ppid= -p $$)\n'
PASSING = '#!/bin/sh\necho "3 passed, 0 failed"\n'
# With this comment, a suite is shown as it comes.
ALONE = "# Runs alone: for the test\n"


class Copy:
    """A folder in which scripts/test runs."""

    def __init__(self, folder: Path, suites: dict[str, str]) -> None:
        self.folder = folder
        (folder / "scripts/suites").mkdir(parents=True)
        shutil.copy(SCRIPTS / "test", folder / "scripts")
        self.write("scripts/with-postgres", '#!/bin/sh\nexec "$@"\n')
        self.write("bin/cargo", "#!/bin/sh\n")
        for name, text in suites.items():
            self.write(f"scripts/suites/{name}", text)
        os.mkfifo(folder / "started")
        self.process = subprocess.Popen(
            ["scripts/test", "suites"],
            cwd=folder,
            env={"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "STARTED": folder / "started"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)


def ended_by(checks: Checks, folder: Path, signalled: signal.Signals, suite: str, how: str) -> None:
    """What is left of a suite when scripts/test gets a signal."""
    copy = Copy(folder, {"lasting": suite})
    with (folder / "started").open() as pipe:
        pipe.readline()
        copy.process.send_signal(signalled)
        try:
            status = copy.process.wait(60)
        except subprocess.TimeoutExpired:
            status = None
        is_left = not is_closed(pipe.fileno())
    if is_left:
        os.killpg(copy.process.pid, signal.SIGKILL)
    checks.that(f"{signalled.name} ends a suite that runs {how}", not is_left, "it still runs")
    checks.that(f"the status says {signalled.name}", status == 128 + signalled, status)


def is_closed(descriptor: int) -> bool:
    """Whether no process holds the other end of a pipe."""
    os.set_blocking(descriptor, False)
    try:
        return os.read(descriptor, 1) == b""
    except BlockingIOError:
        return False


def counts(checks: Checks, folder: Path) -> None:
    """A suite whose process was killed counts as a failure, whatever it printed."""
    copy = Copy(folder, {"killing": KILLING, "passing": PASSING, "alone": PASSING.replace("\n", f"\n{ALONE}", 1)})
    output, _ = copy.process.communicate(timeout=60)
    checks.that("the other suites are counted", "15 passed, 1 failed" in output, output)
    checks.that("the killed one is named", "suites/killing: 9 passed, 0 failed; exit status 137" in output, output)
    checks.that("it fails", copy.process.returncode == 1, copy.process.returncode)


def main() -> int:
    # A program that was started in the background ignores it, and so would scripts/test.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="toolvault-") as folder:
        room = Path(folder)
        alone = LASTING.replace("\n", f"\n{ALONE}", 1)
        for signalled in (signal.SIGTERM, signal.SIGINT):
            ended_by(checks, room / f"shared-{signalled}", signalled, LASTING, "beside others")
            ended_by(checks, room / f"alone-{signalled}", signalled, alone, "alone")
        counts(checks, room / "counts")
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
