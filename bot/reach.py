"""Files for a process that gives up its user: fonts and catalogues are opened after the explainer became nobody."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_OTHERS_PASS: Final = 0o001
_OTHERS_ENTER: Final = 0o005
_OTHERS_READ: Final = 0o004


@contextmanager
def reachable(package: Path) -> Generator[Path]:
    """The package's folder where any user may read all of it, else a copy of that kind, gone after the context."""
    if is_open(package):
        yield package
        return
    with tempfile.TemporaryDirectory(prefix="whyloss-") as name:
        copy = Path(name) / package.name
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (Path(name), copy, *copy.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield copy


def is_open(folder: Path) -> bool:
    """Whether every user may read what is in the folder; to others than root that is no question."""
    if os.getuid() != 0:
        return True
    files = [path for path in folder.rglob("*") if "__pycache__" not in path.parts]
    return all(_may(parent, _OTHERS_PASS) for parent in folder.parents) and all(
        _may(path, _wanted(path)) for path in (folder, *files)
    )


def _wanted(path: Path) -> int:
    return _OTHERS_ENTER if path.is_dir() else _OTHERS_READ


def _may(path: Path, bits: int) -> bool:
    return path.stat().st_mode & bits == bits
