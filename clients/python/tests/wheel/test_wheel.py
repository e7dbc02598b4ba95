"""The wheel (TOOLVAULT_WHEEL) in its own environment: its content, and the README's examples."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT

README = ROOT / "clients" / "python" / "README.md"
HIDDEN = ("PYTHONPATH", "TOOLVAULT_")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    interpreter = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([interpreter, "-m", "venv", "--without-pip", folder], check=True)
    pip = [interpreter, "-m", "pip", "--python", folder / "bin" / "python"]
    subprocess.run([*pip, "install", "--quiet", os.environ["TOOLVAULT_WHEEL"]], check=True, env=environment())
    return folder / "bin"


def environment(**settings: str) -> dict[str, str]:
    """A clean environment with these settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)} | settings


def run(*words: object, **settings: str) -> str:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, env=environment(**settings))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def served(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Runs the wheel's `toolvault serve`; yields the environment for clients."""
    folder = tmp_path_factory.mktemp("served")
    command = [installed / "toolvault", "serve", "--listen", "127.0.0.1:0", "--data-dir", folder / "data"]
    log = folder / "log"
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output, env=environment()) as server:
        while not (found := re.search(r'"listening","url":"([^"]+)', log.read_text())):
            assert server.poll() is None, log.read_text()
            time.sleep(0.05)
        keys = dict(re.findall(r"^(\w+)=(.+)$", (folder / "data.first-keys").read_text(), re.MULTILINE))
        yield {"TOOLVAULT_URL": found[1], "TOOLVAULT_API_KEY": keys["operator_key"]}
        server.terminate()


def test_it_brings_package_and_binary_and_little_else(installed):
    assert run(installed / "toolvault", "--version").startswith("toolvault ")
    code = "import importlib.metadata as m, json; print(json.dumps(sorted(d.name for d in m.distributions())))"
    names = json.loads(run(installed / "python", "-c", code))
    assert {"httpx", "toolvault"} <= set(names)
    assert not {"langchain-core", "openai", "pydantic", "agno", "pip"} & set(names)
    version = run(installed / "python", "-c", "import importlib.metadata as m; print(m.version('toolvault'))")
    assert run(installed / "toolvault", "--version").split()[1] == version.strip()


def test_what_is_typed_says_so(installed):
    code = "import importlib.resources as r; print(r.files('toolvault').joinpath('py.typed').is_file())"
    assert run(installed / "python", "-c", code) == "True\n"


@pytest.mark.parametrize("module", ["langchain", "openai_agents", "pydantic_ai", "agno"])
def test_a_framework_is_needed_only_by_its_module(installed, module):
    code = f"import toolvault\ntry: import toolvault.{module}\nexcept ModuleNotFoundError as error: print(error.name)"
    needed = run(installed / "python", "-c", code).strip().split(".")[0]
    assert needed in ("langchain_core", "agents", "pydantic_ai", "agno")


def test_the_readmes_example(installed, served, tmp_path):
    text = README.read_text()
    program = tmp_path / "example.py"
    program.write_text(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0])
    owed = re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]
    assert run(installed / "python", program, **served) == owed


def test_the_check_of_workflows_names_its_extra(installed):
    command = [installed / "python", "-m", "toolvault.iointel", "check", "triage.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert (done.returncode, done.stderr) == (1, "error: iointel is not installed: pip install 'toolvault[iointel]'\n")
