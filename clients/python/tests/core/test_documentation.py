"""The page of the client: its examples run, and their types are right."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import toolvault
from conftest import ROOT

PAGE = (ROOT / "docs" / "python" / "client.md").read_text()
BLOCKS = re.findall(r"^```(python|console)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_each_example_prints_what_the_page_says():
    names: dict[str, object] = {"__name__": "page"}
    printed = ""
    for language, text in BLOCKS:
        if language == "console":
            assert printed == text
            printed = ""
            continue
        assert printed == ""
        with contextlib.redirect_stdout(io.StringIO()) as output:
            exec(compile(text, "client.md", "exec"), names)
        printed = output.getvalue()
    assert printed == ""


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_type_checkers_accept_the_examples(checker, tmp_path):
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed for this Python")
    page = tmp_path / "page.py"
    page.write_text("\n\n".join(text for language, text in BLOCKS if language == "python"))
    options = ["--strict", "--cache-dir", str(tmp_path)] if checker == "mypy" else []
    package = str(Path(toolvault.__file__).parents[1])
    places = os.environ | {"MYPYPATH": package, "PYTHONPATH": os.pathsep.join([package, *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, "-m", checker, *options, str(page)], capture_output=True, text=True, cwd=tmp_path, env=places
    )
    assert done.returncode == 0, done.stdout
