"""The reader on what a coverage-guided fuzzer makes of messages and files, for a bounded time."""

import importlib.util
import io
import json
import re
import runpy
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bot.reading import File, NotAQuestion, Reading
from tests.bot.reading.test_fuzz import SIGNS
from tests.bot.reading.watched import SETTLING, Watched, packed

ROOT = Path(__file__).parents[3]
RUNS = 4 * SETTLING
SECONDS = 90
LEAST_RUNS = 2 * SETTLING
"""Fewer, and what is kept was never looked at twice: such a machine did not fuzz."""

_TABLE = runpy.run_path(str(Path(__file__).with_name("forum_messages.py")))


def corpus(folder: Path) -> Path:
    """Messages and files to begin with."""
    folder.mkdir()
    tables = (_TABLE["FOR_US"], _TABLE["NOT_FOR_US"])
    seeds = [packed(text) for table in tables for texts in table.values() for text in texts]
    code = "x = torch.tensor([[0., 1.]])\nprint(F.cross_entropy(x, torch.tensor([1])))  # 0.3133"
    cell = {"cell_type": "code", "source": code, "outputs": [{"data": {"text/plain": "tensor(0.3133)"}}]}
    contents = {".py": code, ".txt": code, ".log": f"epoch 1 loss 0.31\n{code}", ".md": f"```\n{code}\n```",
                ".ipynb": json.dumps({"cells": [cell]}), ".csv": "pred,target\n0.5,1\n0.1,0",
                ".json": '{"logits": [[0.0, 1.0]], "target": [1]}'}  # fmt: skip
    seeds += [packed(text, kind) for kind, text in contents.items()]
    single, several = io.BytesIO(), io.BytesIO()
    np.save(single, np.ones((2, 3)))
    np.savez_compressed(several, logits=np.ones((2, 3)), target=np.zeros(2, int))
    seeds += [packed("", ".npy") + single.getvalue(), packed("", ".npz") + several.getvalue()]
    for at, seed in enumerate(seeds):
        (folder / str(at)).write_bytes(seed)
    return folder


def dictionary(path: Path) -> Path:
    """What messages are made of, as libFuzzer wants it."""
    words = {"".join(f"\\x{byte:02x}" for byte in sign.encode()[:60]) for sign in SIGNS if sign}
    path.write_text("".join(f'"{word}"\n' for word in sorted(words)))
    return path


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris is not installed: it has no build for this Python or machine",
)
def test_a_guided_fuzzer_finds_no_message_that_breaks_the_reader(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "tests.bot.reading.fuzzing", str(corpus(tmp_path / "corpus")),
        f"-dict={dictionary(tmp_path / 'words')}", f"-runs={RUNS}", f"-max_total_time={SECONDS}", "-max_len=4096",
        "-timeout=20", "-rss_limit_mb=1024", f"-artifact_prefix={tmp_path}/",
    ]  # fmt: skip
    done = subprocess.run(
        command, check=False, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=3 * SECONDS
    )
    found = [path.read_bytes() for path in tmp_path.glob("*-*") if path.is_file()]
    assert done.returncode == 0, f"{found}\n{done.stderr[-4000:]}"
    runs = re.search(r"Done (\d+) runs", done.stderr)
    assert runs and int(runs.group(1)) >= LEAST_RUNS, done.stderr[-2000:]


def test_what_is_read_slowly_or_kept_is_seen() -> None:
    held: list[list[int]] = []

    def slow(_text: str, _files: tuple[File, ...], _direct: bool) -> Reading:
        until = time.process_time() + 0.02
        while time.process_time() < until:
            pass
        return NotAQuestion("empty")

    def keeps(text: str, _files: tuple[File, ...], _direct: bool) -> Reading:
        held.append([*range(1000, 1000 + len(text))])
        return NotAQuestion("empty")

    with pytest.raises(AssertionError, match="slowly"):
        Watched(slow, seconds=0.01)(packed("why?"))
    watched = Watched(keeps, blocks=500, settling=10)
    with pytest.raises(AssertionError, match="kept"):
        for _ in range(100):
            watched(packed("why is my loss 0.5514?"))
