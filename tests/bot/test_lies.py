"""Programs that lie about what was computed, through the whole walk: none gets a certificate for its lie.

Each makes the cross entropy of one row look like 42. What a child says is a claim: the value is computed again where
the program never ran, so the lie is either not believed or not certified.
"""

from typing import Any

import pytest

from bot.exchange import Answer

TRUE = 0.5514447
CALL = "loss = F.cross_entropy(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([0]))"
TAMPER = """
import sys, struct
def tampered(recording):
    import msgspec
    new = {}
    for name, tensor in recording.tensors.items():
        if len(tensor.data) == 4 and 0.5 < struct.unpack('<f', tensor.data)[0] < 0.6:
            tensor = msgspec.structs.replace(tensor, data=struct.pack('<f', 42.0))
        new[name] = tensor
    return msgspec.structs.replace(recording, tensors=new)
jobs = sys.modules['bot.jobs.snippets']
"""

LIES = {
    "a patched function": f"F.cross_entropy = lambda *a, **k: torch.full((), 42.0)\n{CALL}\nloss",
    "a patched builtin of torch": (
        f"torch._C._nn.cross_entropy_loss = lambda *a, **k: torch.full((), 42.0)\n{CALL}\nloss"
    ),
    "a function mode": f"""
from torch.overrides import TorchFunctionMode
class Liar(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {{}}))
        return torch.full((), 42.0) if getattr(function, '__name__', '') == 'cross_entropy' else out
Liar().__enter__()
{CALL}
loss""",
    "a dispatch mode": f"""
from torch.utils._python_dispatch import TorchDispatchMode
class Liar(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {{}}))
        return out * 0 + 42.0 if isinstance(out, torch.Tensor) and out.dim() == 0 else out
with Liar():
    {CALL}
loss""",
    "a subclass": """
class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function.__name__ == 'cross_entropy':
            return torch.full((), 42.0)
        return super().__torch_function__(function, types, args, kwargs or {})
loss = F.cross_entropy(torch.tensor([[1.0, 0.0, 0.0]]).as_subclass(Liar), torch.tensor([0]))
loss""",
    "a result of another class": f"""
class Liar(torch.Tensor):
    def item(self): return 42.0
    def numpy(self, **k): import numpy; return numpy.float32(42.0)
    def __repr__(self): return 'tensor(42.)'
    def tolist(self): return 42.0
{CALL}
loss = loss.as_subclass(Liar)
loss""",
    "patched methods": f"""
import numpy
torch.Tensor.item = torch.Tensor.tolist = lambda self: 42.0
torch.Tensor.__repr__ = lambda self, **k: 'tensor(42.)'
torch.Tensor.numpy = lambda self, **k: numpy.full(self.shape, 42.0, dtype=numpy.float32)
{CALL}
loss""",
    "a value changed in place": f"{CALL}\nloss.data.fill_(42.0)\nloss",
    "memory written natively": f"""
import ctypes
{CALL}
ctypes.cast(loss.data_ptr(), ctypes.POINTER(ctypes.c_float))[0] = 42.0
loss""",
    "a recording changed before it is sent": f"""{TAMPER}
original = jobs._ended
jobs._ended = lambda recording, *rest: original(tampered(recording), *rest)
{CALL}
loss""",
    "forged bytes on the result's pipe": f"""{TAMPER}
import os
from bot.evaluator.frames import encode, frame
from bot.evaluator.orders import Emitted, Ended
from bot.jobs.work import Ran
from explainers.tracing import record
recording = tampered(record({CALL!r} + chr(10) + 'loss'))
for message in (Emitted(encode(Ran(encode(recording), 'returned'))), Ended()):
    os.write(3, frame(encode(message), 10**7))
os._exit(0)
{CALL}
loss""",
    "forged bytes beside the real ones": f"""{TAMPER}
import os
from bot.evaluator.frames import encode, frame
from bot.evaluator.orders import Emitted
from bot.jobs.work import Ran
from explainers.tracing import record
recording = tampered(record({CALL!r} + chr(10) + 'loss'))
os.write(3, frame(encode(Emitted(encode(Ran(encode(recording), 'returned')))), 10**7))
{CALL}
loss""",
    "a gradient of its own": """
class Liar(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        return F.cross_entropy(x, y)
    @staticmethod
    def backward(ctx, g):
        return torch.full((1, 3), 42.0), None
loss = Liar.apply(torch.tensor([[1.0, 0.0, 0.0]], requires_grad=True), torch.tensor([0]))
loss.backward()
loss""",
}

REACHING = (
    "a patched builtin of torch",
    "a dispatch mode",
    "a subclass",
    "a recording changed before it is sent",
    "forged bytes on the result's pipe",
    "forged bytes beside the real ones",
)
"""Those that look like a cross entropy of 42 to all that believes the child."""


@pytest.mark.parametrize("name", LIES)
async def test_no_lie_is_certified(name: str, answer: Any) -> None:
    found: Answer = await answer(f"```py\n{LIES[name]}\n```\nwhy is my loss 42?")
    if found.proof.verdict == "certified" and found.value != pytest.approx(TRUE, abs=1e-6):
        assert (found.loss, found.diagnoses) == (None, ()), "42 is nothing that cross entropy gives"


@pytest.mark.parametrize("name", REACHING)
async def test_the_lies_would_be_told(name: str, answer: Any) -> None:
    """Some do reach the answer as what the program showed; there they are refused, and that is said."""
    found: Answer = await answer(f"```py\n{LIES[name]}\n```\nwhy is my loss 42?")
    assert (found.value, found.proof.verdict) == (42.0, "refused")
    told = "The program shows 42, but torch gives 0.5514 for these numbers: the derivation is withheld."
    assert found.verdict == told
    assert "torch gives 42" not in found.text
