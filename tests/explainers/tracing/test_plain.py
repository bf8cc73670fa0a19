"""Losses in plain Python numbers: followed as tensors, certified, and shown with the numbers of the first run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from explainers.tracing import record

PROGRAMS = {
    "cross entropy": (
        "import math\np = [0.7, 0.2, 0.1]\ny = [1, 0, 0]\n"
        "loss = -sum(t * math.log(q) for t, q in zip(y, p))\nprint(loss)",
        None,
    ),
    "binary": (
        "from math import log\ndef bce(y, p, eps=1e-12):\n    total = 0.0\n    for i in range(len(y)):\n"
        "        total += -(y[i] * log(p[i] + eps) + (1 - y[i]) * log(1 - p[i] + eps))\n    return total / len(y)\n"
        "print(bce([1, 0, 1, 1], [0.9, 0.2, 0.7, 0.4]))",
        "binary_cross_entropy",
    ),
    "squares": (
        "y_true = [3.0, -0.5, 2.0, 7.0]\ny_pred = [2.5, 0.0, 2.0, 8.0]\nmse = 0\n"
        "for a, b in zip(y_true, y_pred):\n    mse += (a - b) ** 2\nmse /= len(y_true)\nprint('MSE:', mse)",
        "mse_loss",
    ),
    "softmax": (
        "import math\ndef softmax(xs):\n    m = max(xs)\n    es = [math.exp(x - m) for x in xs]\n"
        "    return [e / sum(es) for e in es]\nprobs = softmax([2.0, 1.0, 0.1])\n"
        "print(f'loss = {-math.log(probs[0]):.4f}')",
        None,
    ),
    "rows": (
        "import math\nlogits = [[2.0, 0.5, -1.0], [0.1, 0.2, 0.7]]\ntargets = [0, 2]\nlosses = []\n"
        "for row, t in zip(logits, targets):\n    losses.append(math.log(sum(math.exp(v) for v in row)) - row[t])\n"
        "sum(losses) / len(losses)",
        "cross_entropy",
    ),
    "scalars": ("import math\ny, p = 1, 0.8\nloss = -(y * math.log(p) + (1 - y) * math.log(1 - p))\nprint(loss)", None),
    "hinge": (
        "def hinge(y, f):\n    return sum(max(0, 1 - a * b) for a, b in zip(y, f)) / len(y)\n"
        "print(round(hinge([1, -1, 1], [0.8, -0.3, -0.5]), 4))",
        None,
    ),
    "pinball": (
        "def pinball(y, q, tau):\n    d = y - q\n    return max(tau * d, (tau - 1) * d)\nprint(pinball(3.0, 2.5, 0.9))",
        None,
    ),
    "training": (
        "w = 0.0\nxs, ys = [1.0, 2.0, 3.0], [2.0, 4.0, 6.0]\nfor epoch in range(3):\n"
        "    w -= 0.1 * sum(2 * (w * x - y) * x for x, y in zip(xs, ys)) / 3\n"
        "print(sum((w * x - y) ** 2 for x, y in zip(xs, ys)) / 3)",
        None,
    ),
}
OF_NUMPY = {
    "softmax": (
        "rng = np.random.default_rng(0)\nz = rng.normal(size=(3, 4))\ny = np.array([0, 2, 1])\n"
        "z = z - z.max(axis=1, keepdims=True)\np = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)\n"
        "print(-np.log(p[np.arange(3), y]).mean())",
        "cross_entropy",
    ),
    "one-hot": (
        "labels = np.array([0, 2])\nonehot = np.eye(3)[labels]\n"
        "logits = np.array([[2.0, 0.5, -1.0], [0.1, 0.2, 0.7]])\n"
        "e = np.exp(logits - np.max(logits, axis=1, keepdims=True))\nprobs = e / np.sum(e, axis=-1, keepdims=True)\n"
        "print(probs)\nprint('loss', -np.sum(onehot * np.log(probs)) / labels.size)",
        None,
    ),
    "binary": (
        "def bce(y, p):\n    p = np.clip(p, 1e-15, 1 - 1e-15)\n"
        "    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))\n"
        "print(bce(np.array([1, 0, 1]), np.array([0.9, 0.2, 0.6])))",
        "binary_cross_entropy",
    ),
    "network": (
        "np.random.seed(0)\nX, y = np.random.randn(4, 3), np.array([[0.0], [1.0], [1.0], [0.0]])\n"
        "W1, W2 = np.random.randn(3, 2), np.random.randn(2, 1)\nh = np.tanh(X @ W1)\n"
        "out = 1 / (1 + np.exp(-h.dot(W2)))\nloss = np.mean((y - out) ** 2)\nprint('Loss:', round(loss, 4))",
        None,
    ),
    "huber": (
        "e = np.abs(np.array([0.5, 2.5, -1.0]) - np.zeros(3))\nnp.where(e < 1, 0.5 * e ** 2, e - 0.5).sum()",
        None,
    ),
    "cosine": (
        "a, b = np.array([1.0, 2.0]), np.array([0.5, -1.0])\n"
        "print(1 - np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))",
        None,
    ),
    "steps": (
        "X, t, w = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 2.0]), np.zeros(2)\nfor i in range(2):\n"
        "    r = X @ w - t\n    w -= 0.01 * X.T @ r / len(t)\n    loss = (r ** 2).mean()\nprint(loss)",
        None,
    ),
}
ALL = {
    **PROGRAMS,
    **{f"numpy {name}": (f"import numpy as np\n{text}", like) for name, (text, like) in OF_NUMPY.items()},
}


@pytest.mark.parametrize("name", ALL)
def test_a_loss_in_plain_numbers_is_certified(name: str, explained: Callable[[str], Any]) -> None:
    source, like = ALL[name]
    found = explained(source).explanation
    assert found.recording.adapted == ("float",)
    assert found.proof.certified, found.proof
    assert False not in found.derivation.holds()
    (last,) = found.recording.shown[-1:]
    assert found.recording.tensors[found.recording.subject].dtype == "float64"
    assert found.value == pytest.approx(float(last.text), abs=5e-5), "what the first run shows"
    assert found.gradients
    assert like is None or (found.like is not None and found.like.loss.name == like)


def test_the_text_is_that_of_the_first_run() -> None:
    found = record("loss = sum([0.5, 0.25]) * 2.0\nprint(loss)")
    assert found.stdout == "1.5\n"
    assert found.shown[-1].text == "1.5" and found.shown[-1].tensor == found.subject


@pytest.mark.parametrize(
    "source",
    [
        "for i in range(3):\n    print(i)",
        "xs = [1.0, 2.0]\nxs.append(3.0)\nprint(sum(xs))",
        "import random\nprint(random.random())",
        "x = [1.0, 2.0]\nprint(isinstance(x[0], float), 1.5)",
        "import math\nprint(math.log(0.5) if type(0.5) is float else 1.0)",
        "import numpy as np\nprint(np.fft.fft(np.array([1.0, 2.0])).real.sum())",
        "import numpy as np\nprint(np.linalg.det(np.eye(2) * 0.5))",
    ],
)
def test_what_cannot_be_followed_stays_as_it_ran(source: str) -> None:
    found = record(source)
    assert found.raised is None
    assert found.subject is None and not found.adapted
