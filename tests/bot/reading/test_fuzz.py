"""The reader on what people almost wrote: no exception, no hang over its budget, no memory that is kept."""

import gc
import random
import runpy
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.reading import File, read
from tests.bot.reading.watched import BLOCKS, BUDGET, whole

_TABLE = runpy.run_path(str(Path(__file__).with_name("forum_messages.py")))
MESSAGES = [text for table in (_TABLE["FOR_US"], _TABLE["NOT_FOR_US"]) for texts in table.values() for text in texts]
SIGNS = [
    "```", "`", ">>> ", "In [1]: ", "Out[1]: ", "tensor([", "[", "]", "(", ")", '"""', "#", "\n",
    "\n    ", "\t", "-> ",
    "=> ", "0.5514 ", "9" * 40, "Traceback (most recent call last):\n", "ValueError: bad\n", "\0", "“", "≤",
    "，", "~~~",
    "grad_fn=<", "\r", "\u2028", "1 2 3\n", "[torch.FloatTensor of size 2x3]\n", "logits 1 2 3 ",
    "x is 0.5 ", "np.log(",
    "tf.keras.losses.Huber()(", "print(x)\n", "tensor(1.)\n", "損失(loss) ", "weight=[1,2,3] ",
    "Columns 0 to 1\n", "-", "",
]  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def what_other_tests_keep_is_not_the_readers() -> Iterator[None]:
    """A collector that scans what a whole run of tests has kept doubles the time of a reading."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@st.composite
def almost(draw: st.DrawFn) -> str:
    """A message with some of it cut, doubled, moved or replaced."""
    text = draw(st.sampled_from(MESSAGES))
    for _ in range(draw(st.integers(1, 5))):
        start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        other = draw(st.sampled_from(MESSAGES))
        middle = draw(
            st.sampled_from([text[start:end] * 2, "", text[start:end].upper(), other, other[start:end], *SIGNS])
        )
        text = text[:start] + middle + text[end:]
    return text


def check(text: str, files: tuple[File, ...] = (), direct: bool = True) -> None:
    whole(read(text, files, direct))


@settings(max_examples=300, deadline=None)
@given(almost(), st.booleans())
def test_messages_that_somebody_almost_wrote(text: str, direct: bool) -> None:
    check(text, direct=direct)


@settings(max_examples=60, deadline=None)
@given(almost(), almost(), st.sampled_from(["a.py", "a.txt", "a.log", "a.csv", "a.json", "a.ipynb"]))
def test_messages_with_files(text: str, content: str, name: str) -> None:
    check(text, (File(name, content.encode(errors="replace")),))


@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(SIGNS), min_size=1, max_size=3).map("".join), st.sampled_from(MESSAGES))
def test_the_longest_message_is_read_within_the_budget(unit: str, message: str) -> None:
    room = 32 * 1024 - len(message.encode())
    text = message + unit * (room // max(1, len(unit.encode())))
    started = time.process_time()
    check(text)
    assert time.process_time() - started < BUDGET


@pytest.mark.parametrize(
    "call", ["F.mse_loss(a) ", "F.mse_loss(a);", "F.mse_loss(a)+", "`F.mse_loss(a)` ", "F.mse_loss(a{}) "]
)
def test_a_loss_that_is_named_again_and_again_is_read_within_the_budget(call: str) -> None:
    room = 32 * 1024 - 100
    text = "why is this\n" + "".join(call.format(at) for at in range(room // (len(call) + 4)))
    started = time.process_time()
    check(text)
    assert time.process_time() - started < BUDGET


@pytest.mark.parametrize("word", ["ÿ" * 400, "a" * 4000, "ab_" * 1000, "loss " * 800])
def test_a_long_word_before_a_tensor_is_read_within_the_budget(word: str) -> None:
    started = time.process_time()
    check(f"why is my loss this?\n{word}tensor([0.5514])\n```\n{word} = tensor(1.)\n```")
    assert time.process_time() - started < BUDGET


def test_nothing_is_kept_from_message_to_message() -> None:
    chance = random.Random(0)
    texts = ["".join(chance.sample([*MESSAGES, *SIGNS], 4)) for _ in range(300)]

    def blocks_after_a_run() -> int:
        for text in texts:
            read(text)
        gc.collect()
        return sys.getallocatedblocks()

    blocks_after_a_run()
    before = blocks_after_a_run()
    assert blocks_after_a_run() - before < BLOCKS
