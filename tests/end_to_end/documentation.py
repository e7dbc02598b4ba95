"""The README, the tutorial and the how-to pages work as written; links and paths exist; references are up to date."""

import os
import re
import subprocess
import sys
from pathlib import Path

import suite
from checks import Checks
from pages import ROOT, Page
from postgres import Postgres

DOCS = ROOT / "docs"
# Pages whose reader has not installed Toolvault, and those whose reader has no server yet.
INSTALLING = ("README", "tutorial", "first-ten-minutes")
STARTING = (*INSTALLING, "postgresql", "tls")
# A page that scripts/suites/install runs, on a machine of its own.
ELSEWHERE = "install"
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(#[^)\s]*)?\)")


# A page with only wrong output. The test must notice each fault, or it tests nothing.
CONTROL = """
```console
$ echo one
two
$ false
$ echo tvk_SECOND tvk_SECOND
tvk_FIRST tvk_OTHER
$ toolvault secret show nothing
```
"""


async def body(checks: Checks, folder: Path) -> None:
    control = folder / "control.md"
    control.write_text(CONTROL)
    page = Page(control, folder)
    await page.run(installed=True, served=False)
    unnoticed = [command for command, fault in page.outcomes if not fault]
    checks.none("wrong pages are noticed", unnoticed if len(page.outcomes) == 4 else ["a command was not run"])
    only = os.environ.get("TOOLVAULT_PAGES_ONLY", "").split()
    named = [ROOT / "README.md", *(DOCS / f"{name}.md" for name in ("first-ten-minutes", "tutorial", "operations"))]
    for path in [*named, *sorted((DOCS / "how-to").glob("*.md"))]:
        if path.stem == ELSEWHERE or (only and path.stem not in only):
            continue
        database = Postgres().new_database("pages") if "postgres://" in path.read_text() else ""
        page = Page(path, folder, database)
        name = path.relative_to(ROOT)
        try:
            await page.run(installed=path.stem not in INSTALLING, served=path.stem not in STARTING)
        except Exception as error:
            page.outcomes.append(("the whole page", f"it failed: {error!r}"))
        for command, fault in page.outcomes:
            checks.that(f"{name}: {command.splitlines()[0]}", not fault, fault)
    if not only:
        checks.that("the pages and their links are found", len(written()) > 30 and len(links()) > 200, len(links()))
        checks.none("links lead to existing files and headings", broken_links())
        checks.none("files named in prose exist", missing_files())
        checks.none("lines are at most 120 characters long", long_lines())
        done = subprocess.run([sys.executable, ROOT / "scripts" / "reference", "--check"], capture_output=True, text=True)
        checks.that("the generated references are up to date", done.returncode == 0, done.stdout + done.stderr)


def written() -> list[Path]:
    """All Markdown pages of the project."""
    parts = [ROOT / "crates", ROOT / "scripts", ROOT / "tests", ROOT / "examples", ROOT / "clients"]
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(page for part in parts for page in part.rglob("README.md"))]
    return [page for page in pages if not {"node_modules", "swagger-ui", ".venv"} & set(page.parts)]


def missing_files() -> list[str]:
    """Paths in backticks that begin with a folder of the project, on pages for developers, and that do not exist."""
    folders = "|".join(("crates", "clients", "docs", "examples", "scripts", "tests"))
    named = re.compile(rf"`((?:{folders})/[\w./-]*)`")
    missing = []
    for page in written():
        for path in named.findall(page.read_text()):
            if not (ROOT / path).exists():
                missing.append(f"{page.relative_to(ROOT)}: {path}")
    return missing


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links() -> list[tuple[Path, str, str]]:
    """The links of all pages that do not lead elsewhere: the page, the target and its heading."""
    found = []
    for page in written():
        text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
        found += [(page, target, anchor) for target, anchor in LINK.findall(text)]
    return [link for link in found if not link[1].startswith(("http:", "https:", "mailto:"))]


def broken_links() -> list[str]:
    broken = []
    for page, target, anchor in links():
        path = (page.parent / target) if target else page
        if not path.exists():
            broken.append(f"{page.relative_to(ROOT)}: {target}")
        elif anchor and path.suffix == ".md" and anchor[1:] not in anchors(path):
            broken.append(f"{page.relative_to(ROOT)}: {target}{anchor}")
    return broken


def long_lines() -> list[str]:
    """Lines over 120 characters outside of code blocks and tables, which cannot be broken."""
    found = []
    for page in [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *DOCS.rglob("*.md")]:
        text = re.sub(r"^ *```.*?^ *```$", lambda block: "\n" * block[0].count("\n"), page.read_text(), flags=re.M | re.S)
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > 120 and not line.startswith("|"):
                found.append(f"{page.relative_to(ROOT)}:{number}")
    return found


suite.run(body)
