"""Writing to the result pipe oneself, and reaching for what the next snippet will use."""

import msgspec
import pytest

from bot.evaluator.orders import Emitted, Ended
from tests.attacks.attack import Assault
from tests.attacks.tables.forging import NONSENSE, framed
from tests.attacks.tables.sabotage import SABOTAGE

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("name", NONSENSE)
async def test_what_is_no_frame_ends_the_job(name: str, assault: Assault) -> None:
    attack = NONSENSE[name]
    outcome = await assault(attack.source, *attack.ends)
    assert outcome.frames == (b"before",)


async def test_a_forged_frame_is_only_the_snippets_own_word(assault: Assault) -> None:
    forged = framed(msgspec.msgpack.encode(Emitted(b"forged")))
    outcome = await assault(f"import os; emit(b'real'); os.write(3, {forged!r})", "finished")
    assert outcome.frames == (b"real", b"forged")


async def test_nothing_counts_after_a_forged_end(assault: Assault) -> None:
    forged = framed(msgspec.msgpack.encode(Ended())) + framed(msgspec.msgpack.encode(Emitted(b"PWNED")))
    outcome = await assault(f"import os; os.write(3, {forged!r})\nwhile True: emit(b'PWNED')", "finished")
    assert outcome.frames == ()


async def test_a_cut_frame_is_no_answer(assault: Assault) -> None:
    outcome = await assault("import os; os.write(3, b'\\x08\\x00\\x00\\x00ab'); os._exit(0)", "status 0")
    assert outcome.frames == ()


async def test_what_was_printed_before_a_kill_is_kept(assault: Assault) -> None:
    outcome = await assault("print('so far'); emit(b'kept'); libc.ptrace(0, 0, 0, 0)", "forbidden")
    assert (outcome.stdout, outcome.frames) == ("so far\n", (b"kept",))


async def test_bad_text_does_not_harm(assault: Assault) -> None:
    outcome = await assault("import os; os.write(1, b'\\xff\\xfe'); print(chr(0xd800))", "finished")
    assert outcome.stdout == "\ufffd\ufffd\\ud800\n"


@pytest.mark.parametrize("name", SABOTAGE)
async def test_nothing_is_left_for_the_next_snippet(name: str, assault: Assault) -> None:
    """The canary after it must give the same bits; how the saboteur itself ends does not matter."""
    await assault(SABOTAGE[name].source, *SABOTAGE[name].ends)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("torch.set_num_threads(64); torch.set_num_interop_threads(8); value = torch.get_num_threads()", "1"),
        ("value = torch.compile(lambda x: x + 1)(torch.ones(1)).item()", "2.0"),
        ("@torch.compile(fullgraph=True)\ndef f(x): return 3 * x\nvalue = f(torch.ones(1)).item()", "3.0"),
        ("torch.seed(); value = torch.rand(1).numel()", "1"),
        ("x = torch.ones(1, requires_grad=True)\nloss = 2 * x\nloss.backward()\nvalue = x.grad.item()", "2.0"),
        ("p = torch.ones(1, requires_grad=True)\ntorch.optim.Adam([p]).step(); value = p.item()", "1.0"),
        ("value = torch.func.grad(lambda x: x * x)(torch.tensor(3.0)).item()", "6.0"),
    ],
)
async def test_what_a_locked_torch_can_not_do_does_no_harm(source: str, expected: str, assault: Assault) -> None:
    """Threads and a compiler are refused, a generator wants a device, optimizers import late: all of it works."""
    outcome = await assault(f"{source}\nemit(str(value).encode())", "finished")
    assert outcome.frames == (expected.encode(),)
