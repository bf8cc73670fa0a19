"""Programs for a GPU run on the CPU, and where they would mix tensors of two devices is found."""

from __future__ import annotations

import pytest

from explainers.recording import Recording
from explainers.tracing import record

_DEVICE = "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\n"
_NET = "net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))"
_TRAIN = (
    "opt = torch.optim.Adam(net.parameters())\nfor k in range(2):\n    opt.zero_grad()\n"
    "    loss = F.cross_entropy(net(x), y)\n    loss.backward()\n    opt.step()\nprint(loss)\n"
)
_X, _Y = "x = torch.ones(4, 2){}\n", "y = torch.tensor([0, 1, 1, 0]){}\n"

APART = {
    "data left": (f"{_NET}.cuda()\n{_X.format('')}{_Y.format('.cuda()')}{_TRAIN}", 7, "x"),
    "result dropped": (f"{_DEVICE}{_NET}.to(device)\n{_X.format('')}x.to(device)\n{_Y.format('')}{_TRAIN}", 9, "x"),
    "labels left": (f"{_DEVICE}{_NET}.to(device)\n{_X.format('.to(device)')}{_Y.format('')}{_TRAIN}", 8, "y"),
    "weights left": (
        "z = torch.ones(1, 2, device='cuda')\ny, w = torch.tensor([0]).cuda(), torch.ones(2)\n"
        "print(F.cross_entropy(z, y, w))",
        3,
        "w",
    ),
    "brought back": ("a = torch.ones(3).cuda()\nb = (a * 2).cpu()\nprint((a + b).sum())", 3, "b"),
}
TOGETHER = {
    "all moved": f"{_DEVICE}{_NET}.to(device)\n{_X.format('.to(device)')}{_Y.format('.to(device)')}{_TRAIN}",
    "single numbers": "a = torch.ones(3).cuda()\nprint((a * torch.tensor(2.0)).sum())",
    "nothing moved": f"{_NET}\n{_X.format('')}{_Y.format('')}{_TRAIN}",
    "read on the CPU": "a = torch.ones(3).cuda()\nb = torch.ones(3)\nprint((a.cpu() + b).sum())",
    "an index": "a = torch.ones(3).cuda()\nprint(a[torch.tensor([0, 1])].sum())",
}


def _ran(source: str) -> Recording:
    found = record(source)
    assert found.raised is None, found.raised
    return found


@pytest.mark.parametrize("name", APART)
def test_the_first_call_with_tensors_of_two_devices_is_found(name: str) -> None:
    source, line, left = APART[name]
    found = _ran(source)
    assert found.apart is not None
    call = found.calls[found.apart.call]
    assert call.span is not None and call.span.line == line
    assert found.tensors[found.apart.here].name == left
    assert found.apart.elsewhere != found.apart.here


@pytest.mark.parametrize("name", TOGETHER)
def test_a_program_that_moves_all_it_needs_mixes_nothing(name: str) -> None:
    assert _ran(TOGETHER[name]).apart is None


def test_what_asks_more_of_a_gpu_than_whether_it_is_there_is_left_alone() -> None:
    source = (
        _DEVICE
        + "if torch.cuda.is_available():\n    print(torch.cuda.get_device_name(0))\nprint(torch.ones(1).to(device))"
    )
    assert _ran(source).adapted == ()
