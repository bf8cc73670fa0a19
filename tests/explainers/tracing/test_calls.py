"""The recorded calls: their exact text, scope, arguments, variables, and writes in place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explainers.recording import Call, Name, Recording, Ref
from explainers.tracing import record

FOCAL = """\
def focal(logits, y, gamma=2.0, alpha=0.25):
    p = torch.sigmoid(logits)
    ce = F.binary_cross_entropy_with_logits(logits, y, reduction="none")
    pt = p * y + (1 - p) * (1 - y)
    a = alpha * y + (1 - alpha) * (1 - y)
    return (a * (1 - pt) ** gamma * ce).mean()

x = torch.tensor([[0.3, -1.2], [2.0, 0.7]], requires_grad=True)
y = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
loss = focal(x, y)
loss.backward()
"""

DICE = """\
x = torch.tensor([[0.3, -1.2, 0.1], [2.0, 0.7, -0.4]], requires_grad=True)
t = torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
p = x.sigmoid()
inter = (p * t).sum(1)
den = p.pow(2).sum(1)
den += t.sum(1)
dice = 1 - (2 * inter + 1.0) / (den + 1.0)
w = torch.ones(2)
w[1] = 3
v = w.view(2, 1)
v[0] *= 2
loss = (w * dice).sum() / w.sum()
if loss > 0.1:
    loss = loss * 2
loss.backward()
"""


def _value(recording: Recording, name: str) -> list[float]:
    return [float(v) for v in recording.tensors[recording.names[name]].array().reshape(-1)]


def _call(recording: Recording, function: str) -> Call:
    return next(c for c in recording.calls if c.function == function)


def test_spans_give_the_exact_text() -> None:
    recording = record(DICE)
    texts = [c.span.text for c in recording.calls if c.span]
    assert texts[3:13] == [
        "p * t", "(p * t).sum(1)", "p.pow(2)", "p.pow(2).sum(1)", "t.sum(1)", "den += t.sum(1)",
        "2 * inter", "2 * inter + 1.0", "den + 1.0", "(2 * inter + 1.0) / (den + 1.0)",
    ]  # fmt: skip
    assert "w[1] = 3" in texts


@given(st.text(alphabet="aé字😀ß ", max_size=12))
def test_a_span_counts_characters_whatever_stands_before_it(text: str) -> None:
    source = f"s = {text!r}; v = torch.zeros(2) + (\n  1)\n"
    span = _call(record(source), "torch.add").span
    assert span is not None and span.text == "torch.zeros(2) + (\n  1)"
    lines = source.split("\n")
    assert (lines[span.line - 1][span.column :], lines[span.end_line - 1][: span.end_column]) == (
        "torch.zeros(2) + (",
        "  1)",
    )


def test_scope_goes_through_functions_and_modules() -> None:
    source = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Softmax(dim=-1))
    def forward(self, x):
        return self.inner(x)
def run(net, x):
    return net(x)
run(Net(), torch.zeros(1, 2))
"""
    call = _call(record(source), "torch.softmax")
    assert call.scope == ("def run", "Net", "def forward", "nn.Sequential", "nn.Softmax")
    assert call.span is not None and call.span.text == "self.inner(x)"


def test_variables_name_tensors_also_inside_functions() -> None:
    recording = record(FOCAL)
    named = {t.name for t in recording.tensors.values()}
    assert {"x", "y", "p", "ce", "pt", "a", "loss"} <= named
    assert set(recording.names) == {"x", "y", "loss"}


def test_in_place_writes_reach_base_and_views() -> None:
    views = "x = torch.zeros(4)\nv = x.view(2, 2)\nrow = v[0]\nold = x * 1\n"
    recording = record(views + "row += 1\nx.data[3] = 7\ny = x * 1\nprint(old, y)")
    assert _value(recording, "old") == [0, 0, 0, 0]
    assert _value(recording, "y") == [1, 1, 0, 7]
    write = _call(recording, "torch.Tensor.add_")
    assert len(write.mutated) == 3, "the row, its base and the view between them"
    produced = [id for c in recording.calls for id in {*c.outputs, *(new for _, new in c.mutated)}]
    assert len(produced) == len(set(produced)), "every id has one producer"


def test_a_write_that_torch_does_not_see_gives_a_new_leaf() -> None:
    recording = record("x = torch.zeros(2)\na = x * 1\nn = x.numpy()\nn[0] = 5\nb = (x * 1).sum()\nprint(a, b)")
    (before,) = _call(recording, "torch.mul").inputs()
    (after,) = [c for c in recording.calls if c.function == "torch.mul"][1].inputs()
    assert recording.tensors[before].array().tolist() == [0, 0]
    assert (recording.tensors[after].array().tolist(), recording.tensors[after].is_leaf) == ([5, 0], True)


def test_what_no_factory_made_is_a_leaf() -> None:
    recording = record("import numpy as np\nx = torch.from_numpy(np.ones(2)) * torch.ones(2)\nx")
    (outside, inside) = _call(recording, "torch.mul").inputs()
    assert (recording.tensors[outside].is_leaf, recording.tensors[inside].is_leaf) == (True, False)


def test_a_transform_of_torch_func_is_one_call() -> None:
    recording = record("f = torch.func.vmap(lambda r: r.softmax(0))\ny = f(torch.ones(2, 2))\nloss = y.sum()\nloss")
    assert recording.raised is None and _value(recording, "loss") == [2.0]
    assert recording.calls[1].function == "torch.func.vmap"
    assert recording.calls[1].outputs == (recording.names["y"],)


def test_arguments_keep_dtypes_slices_and_positions() -> None:
    recording = record("x = torch.zeros(2, 3)\ny = x.to(torch.float64)[:, 1:].sum(1, keepdim=True)\ny")
    assert _call(recording, "torch.Tensor.to").argument("dtype") == Name("torch.float64")
    total = _call(recording, "torch.sum")
    assert (total.argument("dim"), total.argument("keepdim")) == (1, True)
    assert isinstance(total.argument("input"), Ref)
