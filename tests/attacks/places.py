"""Where an attack could leave something: a process, a place that anybody may write to, a file of its own."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bot.evaluator.orders import ZygoteSettings

_FOLDER = Path(f"/tmp/attacked-{os.getpid()}")
OWN = str(_FOLDER / "file")
"""Of the user that children run as, in a folder where anybody may do anything: only the jail protects it."""


@contextmanager
def attackable() -> Generator[None]:
    """OWN is there for as long as the context lasts."""
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir()
    _FOLDER.chmod(0o777)
    Path(OWN).write_text("untouched")
    Path(OWN).chmod(0o666)
    if os.getuid() == 0:
        os.chown(OWN, ZygoteSettings(()).user, ZygoteSettings(()).user)
    try:
        yield
    finally:
        shutil.rmtree(_FOLDER)


def left() -> set[str]:
    """What lies in those places and in System V's tables, and all that can be told of OWN."""
    entries = {entry.path for place in ("/tmp", "/dev/shm") for entry in os.scandir(place) if "whyloss" in entry.name}
    tables = [Path("/proc/sysvipc") / name for name in ("shm", "msg", "sem")]
    counts = {f"{table.name} {len(table.read_text().splitlines())}" for table in tables if table.exists()}
    own = Path(OWN).stat()
    about = f"{own.st_mode} {own.st_uid} {own.st_mtime_ns} {os.listxattr(OWN)} {Path(OWN).read_text()}"
    return entries | {entry.path for entry in os.scandir(_FOLDER)} | counts | {about}


def children_of(process: int) -> list[int]:
    """Numbers of the processes that its one thread started and has not reaped."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
