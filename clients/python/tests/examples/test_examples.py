"""The examples of one framework (TOOLVAULT_FRAMEWORK), which are also what its page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from conftest import ROOT

FRAMEWORK = os.environ.get("TOOLVAULT_FRAMEWORK", "")
EXAMPLES = ROOT / "examples" / "python"
NAMES = [f"{FRAMEWORK}_agent", f"{FRAMEWORK}_gateway"]


def blocks(language: str) -> list[str]:
    page = (ROOT / "docs" / "python" / f"{FRAMEWORK}.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_without_a_network(name):
    done = subprocess.run([sys.executable, EXAMPLES / f"{name}.py"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    owed = next(block for block in blocks("console")).split("\n", 1)[1]
    assert done.stdout.splitlines()[-3:] == owed.splitlines()
    assert "lin_api_" not in done.stdout + done.stderr


def test_the_one_for_many_users():
    done = subprocess.run([sys.executable, EXAMPLES / f"{FRAMEWORK}_users.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == blocks("console")[1].split("\n", 1)[1]


def test_the_page_shows_what_runs():
    names = [f"{FRAMEWORK}_agent", f"{FRAMEWORK}_users", f"{FRAMEWORK}_gateway"]
    assert blocks("python") == [(EXAMPLES / f"{name}.py").read_text() for name in names]
