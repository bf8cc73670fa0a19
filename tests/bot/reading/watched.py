"""The reader under watch: every message must be read in time, into a Reading that holds together, and be forgotten."""

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from bot.reading import File, Question, Reading

KINDS = ("", ".py", ".txt", ".ipynb", ".csv", ".json", ".npy", ".npz", ".log", ".md")
"""What the first byte of an input chooses: the message itself, or a file beside one."""
BUDGET = 5.0
"""Seconds of CPU for a message of the greatest length that is read, on a core that others use as well."""
BLOCKS = 20_000
"""Allocated blocks that the second half of a long run may keep more than the first."""
SETTLING = 120
"""Messages after which nothing more is loaded, and between two looks at what is kept."""

Read = Callable[[str, tuple[File, ...], bool], Reading]


def whole(reading: Reading) -> None:
    """Raises AssertionError where a Reading can't cross to the service, or its parts do not fit its text."""
    assert msgspec.msgpack.encode(reading)
    if isinstance(reading, Question):
        assert all(len(each.line_map) == each.source.count("\n") + 1 for each in reading.snippets)
        assert all(claim.span is None or reading.text[claim.span.start : claim.span.end] for claim in reading.claims)


def packed(text: str, kind: str = "", direct: bool = True) -> bytes:
    """The bytes that stand for this message, or for this content of a file."""
    return bytes([KINDS.index(kind) + 128 * direct]) + text.encode(errors="replace")


@dataclass
class Watched:
    """Reads messages out of bytes; raises AssertionError for one that is read badly, slowly, or not forgotten."""

    read: Read
    seconds: float = BUDGET
    blocks: int = BLOCKS
    settling: int = SETTLING
    runs: int = 0
    kept: int | None = None

    def __call__(self, data: bytes) -> None:
        choice, content = (data[0], data[1:]) if data else (0, b"")
        kind = KINDS[choice % 128 % len(KINDS)]
        files = (File(f"a{kind}", content),) if kind else ()
        text = "why is my loss this?" if kind else content.decode(errors="surrogateescape")
        started = time.process_time()
        whole(self.read(text, files, choice >= 128))
        assert time.process_time() - started < self.seconds, "read too slowly"
        self.runs += 1
        if self.runs % self.settling == 0:
            self._look_back()

    def _look_back(self) -> None:
        gc.collect()
        now = sys.getallocatedblocks()
        self.kept = now if self.kept is None else self.kept
        assert now - self.kept < self.blocks, f"{now - self.kept} blocks are kept"
