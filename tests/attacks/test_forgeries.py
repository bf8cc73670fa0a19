"""Writing to the result pipe oneself, and reaching for what the next snippet will use."""

import struct
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from bot.evaluator import outcomes
from bot.evaluator.orders import Emitted, Ended

pytestmark = pytest.mark.asyncio(loop_scope="session")

Assault = Callable[..., Awaitable[outcomes.Outcome]]


def framed(payload: bytes) -> bytes:
    return struct.pack("<I", len(payload)) + payload


NONSENSE = {
    "not msgpack": framed(b"\xc1\xc1\xc1"),
    "wrong type": framed(msgspec.msgpack.encode(["emitted", 1])),
    "unknown message": framed(msgspec.msgpack.encode({"type": "ready", "user": 0})),
    "missing payload": framed(msgspec.msgpack.encode({"type": "emitted"})),
    "text for bytes": framed(b"\x82\xa4type\xa7emitted\xa7payload\xc0"),
    "deep nesting": framed(b"\x91" * 100_000),
    "a pickle": framed(b"\x80\x04cos\nsystem\n(S'true'\ntR."),
    "invalid UTF-8": framed(b"\x82\xa4type\xa7emitt\xff\xfe\xa7payload\xc4\x00"),
    "a number of a thousand digits": framed(b"\xcf" * 1000),
    "JSON": framed(b'{"type": "emitted", "payload": ""}'),
    "empty frame": framed(b""),
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_what_is_no_frame_ends_the_job(name: str, assault: Assault) -> None:
    source = f"import os; emit(b'before'); os.write(3, {NONSENSE[name]!r})\nwhile True: pass"
    outcome = await assault(source, "status None")
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


@pytest.mark.parametrize(
    "source",
    [
        "F.cross_entropy = torch.nn.functional.cross_entropy = lambda *a, **k: torch.zeros((), requires_grad=True)",
        "torch.manual_seed(99); np.random.seed(99); torch.set_default_dtype(torch.float64)",
        "import builtins, os; builtins.len = os.write = lambda *a: 0",
        "import gc, sys; sys.modules.clear(); gc.collect()",
        "import sys; sys.setrecursionlimit(50)",
        "torch.set_num_threads(64)",
        "torch.compile(lambda x: x + 1)(torch.ones(1))",
        "import sys; sys.addaudithook(lambda *a: 1 / 0)",
        "import sys; sys.settrace(lambda *a: 1 / 0); sys.setprofile(lambda *a: 1 / 0)",
        "import atexit; atexit.register(print, 1)\nclass D:\n    def __del__(s): emit(b'late')\nkept = D()",
        "import os; os.close(1); os.close(2); os.dup2(3, 1); print('x')",
        "import gc; gc.set_threshold(1); gc.callbacks.append(lambda *a: 1 / 0)",
        "torch.nn.Module.__call__ = torch.Tensor.backward = None; torch.set_grad_enabled(False)",
        "torch.set_default_device('meta')",
    ],
)
async def test_nothing_is_left_for_the_next_snippet(source: str, assault: Assault) -> None:
    """The canary after it must give the same bits; how the saboteur itself ends does not matter."""
    await assault(source, "finished", "status 0", "status 112", "cpu", "status None")


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
