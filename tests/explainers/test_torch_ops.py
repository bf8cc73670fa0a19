"""Every operation of the table, called in the ways people call it: what it means is what torch computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from explainers.torch_ops import operations

SETUP = """\
x = torch.tensor([[0.5, -1.25, 2.0], [1.5, 0.25, -0.75]], requires_grad=True)
w = torch.tensor([0.8, 0.3, 1.5], requires_grad=True)
v = torch.tensor([[1.0, 0.5, -2.0], [0.25, 2.0, 1.0]], requires_grad=True)
k = torch.tensor([2, 0])
i = torch.tensor([[0, 2, 1], [1, 1, 0]])
"""
PROGRAMS: dict[str, tuple[str, ...]] = {
    "neg": ("(-x).sum()", "torch.neg(x).mean()"),
    "exp": ("x.exp().sum()", "torch.exp(x)"),
    "log": ("w.log().sum()",),
    "log1p": ("torch.log1p(w).sum()",),
    "expm1": ("torch.expm1(w).sum()",),
    "sqrt": ("w.sqrt().sum()",),
    "square": ("x.square().sum()",),
    "abs": ("abs(x).sum()", "x.abs()"),
    "sign": ("(x.sign() * x).sum()",),
    "sigmoid": ("x.sigmoid().sum()", "F.sigmoid(x)"),
    "relu": ("F.relu(x).sum()", "x.relu()"),
    "tanh": ("torch.tanh(x).sum()",),
    "add": ("(x + w).sum()", "torch.add(x, v, alpha=2)", "(1 + x).sum()"),
    "sub": ("(x - w).sum()", "torch.sub(x, v, alpha=2)", "(1 - x).sum()"),
    "subtract": ("torch.subtract(x, w).sum()",),
    "rsub": ("torch.rsub(x, w).sum()", "torch.rsub(x, v, alpha=3)"),
    "mul": ("(x * w).sum()", "(0.1 * x).mean()"),
    "multiply": ("torch.multiply(x, w).sum()",),
    "div": ("(x / w).sum()", "(2 / w).sum()", "x.div(3)"),
    "true_divide": ("torch.true_divide(x, w).sum()",),
    "truediv": ("(x / 7).sum()",),
    "maximum": ("torch.maximum(x, w).sum()",),
    "minimum": ("torch.minimum(x, w).sum()",),
    "pow": ("(x ** 2).sum()", "w.pow(1.5).sum()", "(2 ** x).sum()", "torch.pow(w, w).sum()", "(x ** 3).mean()"),
    "reciprocal": ("w.reciprocal().sum()",),
    "log2": ("w.log2().sum()",),
    "logsigmoid": ("F.logsigmoid(x).sum()",),
    "softplus": ("F.softplus(x).sum()", "F.softplus(x, beta=3, threshold=4)"),
    "sum": ("x.sum()", "x.sum(0)", "x.sum(dim=(0, 1))", "x.sum(1, keepdim=True) * x", "(x > 0).sum() * w"),
    "mean": ("x.mean()", "x.mean(-1)", "x.mean(dim=0, keepdim=True) - x"),
    "max": ("x.max()", "x.max(1)[0]", "x.max(dim=0, keepdim=True).values - x", "torch.max(x, v)"),
    "min": ("x.min()", "x.min(1).values", "torch.min(x, v)"),
    "amax": ("x.amax()", "x.amax(1)", "x.amax((0, 1))"),
    "amin": ("x.amin(0)", "torch.amin(x, dim=1, keepdim=True)"),
    "var": ("x.var()", "x.var(1)", "x.var(dim=0, unbiased=False)", "x.var(correction=0)"),
    "std": ("x.std()", "x.std(1)", "torch.std(x, dim=0, correction=0)"),
    "logsumexp": ("x.logsumexp(1)", "torch.logsumexp(x, dim=(0, 1))", "x.logsumexp(0, keepdim=True) - x"),
    "clamp": ("x.clamp(0, 1).sum()", "x.clamp(min=-1)", "torch.clamp(x, max=w)", "x.clamp(min=-w, max=w).sum()"),
    "clip": ("x.clip(-1, 1).sum()",),
    "clamp_min": ("x.clamp_min(0).sum()",),
    "clamp_max": ("x.clamp_max(0.5).sum()",),
    "where": ("torch.where(x > 0, x, v).sum()", "torch.where(x > 0, x, 0.0)", "x.where(x > w, v).sum()"),
    "one_hot": ("(F.one_hot(k, 3) * x).sum()", "(F.one_hot(k) * x).sum()"),
    "matmul": ("x @ w", "x @ v.T", "w @ w", "torch.matmul(x, w).sum()"),
    "mm": ("torch.mm(x, v.T).sum()",),
    "dot": ("w.dot(x[0])",),
    "mv": ("torch.mv(x, w).sum()",),
    "gather": ("x.gather(1, k[:, None]).sum()", "torch.gather(x, 0, i.clamp(max=1)).sum()", "x.gather(1, i).sum()"),
    "take_along_dim": ("torch.take_along_dim(x, i, dim=1).sum()",),
    "index_select": ("x.index_select(1, k).sum()", "torch.index_select(x, 0, torch.tensor([1, 0]))"),
    "getitem": ("x[0]", "x[:, 1].sum()", "x[-1, -1]", "x[..., 0]", "x[[0, 1], k]", "x[None].sum()", "w[k].sum()"),
    "reshape": ("x.reshape(2, 1, 3).sum(1)", "x.reshape((1, 2, 3))"),
    "view": ("x.view(2, 3, 1).sum(-1)", "w.view(-1).sum()", "w.view(3, 1) * w"),
    "flatten": ("w[None].flatten().sum()", "x[None].flatten(0, 1).sum(1)"),
    "squeeze": ("x[None].squeeze().sum(1)", "x[:, None].squeeze(1)"),
    "unsqueeze": ("(x.unsqueeze(-1) * w).sum(0)", "x.unsqueeze(0)"),
    "transpose": ("x.transpose(0, 1) @ k.float()", "torch.transpose(x, 0, -1)"),
    "permute": ("x.permute(1, 0).sum(0)",),
    "T": ("x.T.sum(0)",),
    "t": ("x.t() @ x",),
    "to": ("x.to(torch.float64).exp().sum()", "(k.to(x.dtype) * x[:, 0]).sum()"),
    "type": ("x.type(torch.float64).exp().sum()", "(k.type(torch.float32) * x[:, 0]).sum()"),
    "float": ("(k.float() * x[:, 0]).sum()", "((x > 0).float() * x).sum()"),
    "double": ("x.double().exp().sum()",),
    "long": ("x[torch.tensor([0, 1]), k.to(torch.uint8).long()].sum()",),
    "bool": ("torch.where(k.bool(), x[:, 0], x[:, 1]).sum()",),
    "detach": ("(x.detach() * x).sum()",),
    "clone": ("x.clone().exp().sum()",),
    "contiguous": ("x.T.contiguous().exp().sum()",),
    "requires_grad": (),
    "cpu": ("x.cpu().exp().sum()",),
    "eq": ("(x * (i == 1)).sum()", "torch.where(i.eq(1), x, v)"),
    "ne": ("(x * (i != 1)).sum()",),
    "lt": ("(x * (x < w)).sum()",),
    "le": ("(x * (x <= 0.5)).sum()",),
    "gt": ("(x * (x > w)).sum()", "((x > 0) * x).mean()"),
    "ge": ("(x * x.ge(0.5)).sum()",),
}


def test_every_operation_has_its_programs() -> None:
    assert set(PROGRAMS) == set(operations())


@pytest.mark.parametrize(("name", "program"), [(name, p) for name, programs in PROGRAMS.items() for p in programs])
def test_an_operation_is_torchs(name: str, program: str, explained: Callable[[str], Any]) -> None:
    found = explained(SETUP + program)
    assert found.explanation.proof.certified, found.explanation.proof
    composition = found.reading.forms.composition
    assert {call.function for call in composition.given} <= {"torch.tensor"}
    assert found.explanation.gradients, "and the gradient is part of it"
    assert False not in found.explanation.derivation.holds()
