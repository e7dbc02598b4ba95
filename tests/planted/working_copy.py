"""A copy of the source in which files can be changed without touching the repository."""

import shutil
import subprocess
from pathlib import Path


def bring_up_to_date(here: Path, copy: Path) -> None:
    """Copies what git knows or would add. An unchanged file keeps its time, so that it is not built again."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=here, capture_output=True, check=True)
    names = {name for name in listed.stdout.decode().split("\0") if name and (here / name).is_file()}
    copy.mkdir(parents=True, exist_ok=True)
    for path in [path for path in copy.rglob("*") if path.is_file() or path.is_symlink()]:
        if str(path.relative_to(copy)) not in names:
            path.unlink()
    for name in names:
        source, target = here / name, copy / name
        if not target.exists() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
