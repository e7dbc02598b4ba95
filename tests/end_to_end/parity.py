"""tests/parity/compare.py with the real binary, on both databases."""

import asyncio
import os
import sys
from pathlib import Path

import suite
from checks import Checks
from postgres import Postgres
from server import Toolvault

COMPARE = Path(__file__).parent.parent / "parity" / "compare.py"
RUNS = (("sqlite", int(os.environ.get("TOOLVAULT_PARITY_COUNT", "5000")), 1), ("postgres", 1000, 2))


async def parity(checks: Checks, folder: Path) -> None:
    for engine, count, seed in RUNS:
        settings = {"database_url": Postgres().new_database("parity")} if engine == "postgres" else {}
        server = Toolvault(folder / engine, **settings)
        try:
            await server.serve()
            key = server.first_keys()["operator_key"]
            words = ("--url", f"http://127.0.0.1:{server.port}", "--api-key", key, "--count", str(count), "--seed", str(seed))
            comparing = await asyncio.create_subprocess_exec(sys.executable, str(COMPARE), *words)
            status = await comparing.wait()
            checks.that(f"{count} generated requests are answered as by the original, on {engine}", status == 0, status)
            verify = await server.command("audit", "verify", "--json")
            checks.that(f"the audit trail verifies afterwards, on {engine}", verify.returncode == 0, verify.stdout)
        finally:
            server.kill()


if __name__ == "__main__":
    suite.run(parity)
