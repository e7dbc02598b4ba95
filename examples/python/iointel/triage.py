"""Runs the workflow of triage.yaml. Needs TOOLVAULT_URL and TOOLVAULT_API_KEY, a key with the scope `resolve`."""

import asyncio
from pathlib import Path

from toolvault import Toolvault
from toolvault.iointel import load_workflow

FILE = Path(__file__).with_name("triage.yaml")


async def triage() -> str:
    workflow = await load_workflow(Toolvault(), file_path=FILE)
    finished = await workflow.run_tasks()
    return str(finished["results"]["look"])


if __name__ == "__main__":
    print(asyncio.run(triage()))
