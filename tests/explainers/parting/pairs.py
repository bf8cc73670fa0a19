"""Programs with two computations of one number that part: the line marked with `# <-` is the first where they do."""

from __future__ import annotations

from typing import Final

HEAD: Final = "import math\nimport numpy as np\nimport torch\nimport torch.nn.functional as F\n"
_Z: Final = "z = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ny = torch.tensor([0, 1])\n"
_CE: Final = _Z + "print(F.cross_entropy(z, y))\n"
_NP: Final = _CE + "zn, yn = z.numpy().astype(np.float64), y.numpy()\n"
_BINARY: Final = "x = torch.tensor([0.3, -1.2, 2.0])\nt = torch.tensor([1.0, 0.0, 1.0])\n"
_BCE: Final = _BINARY + "print(F.binary_cross_entropy_with_logits(x, t))\n"
_PAIR: Final = "a = torch.tensor([1.5, 2.0, 4.0])\nb = torch.tensor([0.5, 2.5, 1.0])\n"
_MSE: Final = _PAIR + "print(F.mse_loss(a, b))\n"
_P: Final = (
    "p = torch.tensor([1e-6, 0.2, 0.7])\nt = torch.tensor([1.0, 0.0, 1.0])\nprint(F.binary_cross_entropy(p, t))\n"
)
_KL: Final = (
    "q = torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])\n"
    "logp = torch.tensor([[0.5, 0.2, 0.3], [0.1, 0.8, 0.1]]).log()\n"
)

PAIRS: Final[dict[str, tuple[str, str | None]]] = {
    "squares where the library goes on with distances": (
        "a = torch.tensor([[1.0, 2.0], [0.0, 1.0]])\np = torch.tensor([[1.0, 0.0], [2.0, 2.0]])\n"
        "n = torch.tensor([[0.0, 1.0], [3.0, 1.0]])\nprint(F.triplet_margin_loss(a, p, n))\n"
        "def own(x, y, z):\n    dp = np.sum((x - y) ** 2, 1)  # <-\n    dn = np.sum((x - z) ** 2, 1)\n"
        "    return np.maximum(dp - dn + 1, 0).mean()\nprint('own', own(a.numpy(), p.numpy(), n.numpy()))",
        "square",
    ),
    "a factor that is made up for, and a term that is not": (
        "a = torch.tensor([0.0, 3.0, -1.0])\nb = torch.tensor([0.5, 0.0, 4.0])\nprint(F.huber_loss(a, b, delta=2.0))\n"
        "def own(x, y, d):\n    e = np.abs(x - y)\n"
        "    return np.mean(np.where(e <= d, 0.5 * e**2, d * e - 0.5 * d))  # <-\n"
        "print('own', own(a.numpy(), b.numpy(), 2.0))",
        "offset",
    ),
    "softmax over the batch": (
        _NP + "e = np.exp(zn)\np = e / e.sum(axis=0)  # <-\nprint('own', -np.log(p[[0, 1], yn]).mean())",
        "axis",
    ),
    "softmax over everything": (
        _NP + "e = np.exp(zn)\np = e / np.sum(e)  # <-\nprint('own', -np.log(p[[0, 1], yn]).mean())",
        "everything",
    ),
    "torch's softmax over the batch": (
        _CE + "p = torch.softmax(z, dim=0)  # <-\nloss = -torch.log(p[range(2), y])\nprint('own', loss.mean())",
        "axis",
    ),
    "a sum instead of the mean": (
        _CE + "lp = z - z.logsumexp(1, keepdim=True)\nown = -lp[range(2), y].sum()  # <-\nprint(own)",
        "factor",
    ),
    "a mean over the classes too": (
        _CE + "h = F.one_hot(y, 3)\nlp = F.log_softmax(z, 1)\nown = -(h * lp).mean()  # <-\nprint(own)",
        "divisor",
    ),
    "a logarithm to base 2": (
        _NP
        + "e = np.exp(zn)\np = e / e.sum(1, keepdims=True)\nl = -np.log2(p[[0, 1], yn])  # <-\nprint('own', l.mean())",
        "logarithm",
    ),
    "a logarithm to base 10": (
        _CE + "p = z.softmax(1)\nl = -torch.log10(p[range(2), y])  # <-\nprint('own', l.mean())",
        "logarithm",
    ),
    "no minus sign": (
        _CE + "lp = F.log_softmax(z, 1)\nmine = lp[range(2), y].mean()  # <-\nprint(mine)",
        "sign",
    ),
    "probabilities without a logarithm": (
        _CE + "p = z.softmax(1)\npicked = p[range(2), y]  # <-\nmine = -picked.mean()\nprint(mine)",
        "no-log",
    ),
    "the wrong class": (
        _CE + "p = z.softmax(1)\npicked = p[range(2), y - 1]  # <-\nprint('mine', -picked.log().mean())",
        "picked",
    ),
    "a weighted mean over N": (
        _Z + "w = torch.tensor([1.0, 5.0, 2.0])\nprint(F.cross_entropy(z, y, weight=w))\nlp = F.log_softmax(z, 1)\n"
        "l = -lp[range(2), y] * w[y]\nprint('mine', l.mean())  # <-",
        "divisor",
    ),
    "weights forgotten": (
        _Z + "w = torch.tensor([1.0, 5.0, 2.0])\nprint(F.cross_entropy(z, y, weight=w, reduction='sum'))\n"
        "lp = F.log_softmax(z, 1)\nl = -lp[range(2), y]  # <-\nprint('mine', l.sum())",
        "over",
    ),
    "a loop that does not divide": (
        _NP
        + "total = 0.0\nfor row, k in zip(zn, yn):\n    e = np.exp(row)\n    total += -np.log(e[k] / e.sum())  # <-\n"
        "print('numpy', total)",
        "divisor",
    ),
    "a loop that divides by the classes": (
        _NP + "ls = []\nfor row, k in zip(zn, yn):\n    e = np.exp(row - row.max())\n"
        "    ls.append(-np.log(e[k] / e.sum()))\n"
        "print('numpy', sum(ls) / zn.shape[1])  # <-",
        "divisor",
    ),
    "temperature in one of both": (
        _NP + "s = zn / 2.0  # <-\ne = np.exp(s)\np = e / e.sum(1, keepdims=True)\n"
        "print('np', -np.log(p[[0, 1], yn]).mean())",
        "factor",
    ),
    "a small number under the logarithm": (
        _P + "l = -(t * torch.log(p + 1e-3) + (1 - t) * torch.log(1 - p))  # <-\nprint('own', l.mean())",
        "offset",
    ),
    "probabilities that are clipped": (
        _P + "q = p.clamp(1e-3, 1 - 1e-3)  # <-\nl = -(t * q.log() + (1 - t) * (1 - q).log())\nprint('own', l.mean())",
        "bound",
    ),
    "only the positive half": (
        _BCE + "s = torch.sigmoid(x)\nl = -t * torch.log(s)  # <-\nprint('own', l.mean())",
        "lacks",
    ),
    "both halves of the same": (
        _BCE + "s = 1 / (1 + torch.exp(-x))\nl = -(t * s.log() + (1 - t) * s.log())  # <-\nprint('own', l.mean())",
        None,
    ),
    "a sigmoid turned round": (
        _BCE + "s = 1 / (1 + torch.exp(x))\nl = -(t * s.log() + (1 - t) * (1 - s).log())  # <-\nprint('own', l.mean())",
        None,
    ),
    "the root of the mean": (_MSE + "d = (a - b) ** 2\nmine = torch.sqrt(d.mean())  # <-\nprint(mine)", "root"),
    "half of the squares": (_MSE + "d = 0.5 * (a - b) ** 2  # <-\nprint('mine', d.mean())", "factor"),
    "absolute values": (_MSE + "d = (a - b).abs()  # <-\nprint('mine', d.mean())", "root"),
    "pairs of everything": (
        _MSE + "c = b.unsqueeze(1)\nd = (a - c) ** 2  # <-\nprint('mine', d.mean())",
        "pairs",
    ),
    "a sum over the columns": (
        "a = torch.tensor([[1.5, 2.0, 4.0], [0.0, 1.0, 3.0]])\nb = torch.zeros(2, 3)\nprint(F.mse_loss(a, b))\n"
        "d = (a - b) ** 2\nmine = d.sum(1).mean()  # <-\nprint(mine)",
        "divisor",
    ),
    "the wrong half of two, the other one right": (
        _BCE + "s = torch.sigmoid(x)\na = t * s.log()\nb = (1 - t) * s.log()  # <-\nprint('own', -(a + b).mean())",
        None,
    ),
    "smoothed labels that leave out the own share": (
        _Z + "print(F.cross_entropy(z, y, label_smoothing=0.1))\nzn = z.double().numpy()\n"
        "lp = zn - np.log(np.exp(zn).sum(1, keepdims=True))\nq = np.full((2, 3), 0.1 / 3)\nq[[0, 1], y] = 0.9  # <-\n"
        "print('own', -(q * lp).sum(1).mean())",
        None,
    ),
    "another smoothing of binary labels": (
        _BINARY + "print(F.binary_cross_entropy_with_logits(x, t * 0.9 + 0.05))\nq = t * 0.9 + 0.1  # <-\n"
        "s = torch.sigmoid(x)\nprint('own', -(q * s.log() + (1 - q) * (1 - s).log()).mean())",
        "offset",
    ),
    "a mean where its square is due, the own number shown first": (
        "m, v = np.array([0.5, -0.3]), np.array([0.1, -0.2])\na = 1 + v\nb = m\n"
        "mine = -0.5 * (a - b - np.exp(v)).sum()  # <-\nmt, vt = torch.tensor(m), torch.tensor(v)\n"
        "ref = -0.5 * torch.sum(1 + vt - mt.pow(2) - vt.exp())\nprint(mine, ref)",
        "no-square",
    ),
    "divergence by the mean": (
        _KL + "print(F.kl_div(logp, q, reduction='batchmean'))\nl = q * (q.log() - logp)\nprint('own', l.mean())  # <-",
        "divisor",
    ),
    "divergence the other way round": (
        _KL + "print(F.kl_div(logp, q, reduction='sum'))\np = logp.exp()\nl = p * (logp - q.log())  # <-\n"
        "print('own', l.sum())",
        None,
    ),
    "divergence without the entropy": (
        _KL + "print(F.kl_div(logp, q, reduction='sum'))\nl = -q * logp  # <-\nprint('own', l.sum())",
        "lacks",
    ),
    "an own function against numpy": (
        _Z + "def my_ce(z, y):\n    lp = z - z.logsumexp(1, keepdim=True)\n    return -lp[range(len(y)), y].mean()\n"
        "print('torch', my_ce(z, y))\nzn = z.numpy().astype(np.float64)\ns = zn - zn.max()\ne = np.exp(s)\n"
        "p = e / e.sum(axis=0, keepdims=True)  # <-\nprint('numpy', -np.log(p[[0, 1], [0, 1]]).mean())",
        "axis",
    ),
    "numpy's deviation and torch's": (
        "v = torch.tensor([1.0, 2.0, 4.0, 7.5])\nprint('torch', v.std())\nprint('numpy', np.std(v.numpy()))  # <-",
        "divisor",
    ),
    "two own ones of torch": (
        _PAIR + "d = a - b\nfirst = (d ** 2).mean()\nmine = (d ** 2).sum() / 2  # <-\nprint('first', first)\n"
        "print('mine', mine)",
        "divisor",
    ),
    "a loop against the whole": (
        _PAIR + "whole = (a - b).abs().mean()\nprint('torch', whole)\nmine = 0.0\nfor u, v in zip(a, b):\n"
        "    mine += abs(u - v) / 2  # <-\nprint('loop', mine)",
        None,
    ),
    "a comprehension against the whole": (
        _PAIR + "print('torch', (a - b).abs().mean())\n"
        "print('python', sum(abs(u - v) for u, v in zip(a.tolist(), b.tolist())))  # <-",
        "divisor",
    ),
    "a huber loss with another bound": (
        _PAIR + "print(F.huber_loss(a, b))\nd = (a - b).abs()\n"
        "l = torch.where(d < 2.0, 0.5 * d ** 2, 2.0 * (d - 1.0))  # <-\n"
        "print('own', l.mean())",
        None,
    ),
    "ignored rows that count": (
        "z = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3], [0.1, 0.4, 0.9]])\ny = torch.tensor([0, -100, 2])\n"
        "print(F.cross_entropy(z, y))\nlp = F.log_softmax(z, 1)\nm = (y != -100).float()\n"
        "l = -lp[range(3), y.clamp(min=0)] * m\nprint('own', l.mean())  # <-",
        "divisor",
    ),
}

SAME: Final[dict[str, str]] = {
    "softmax by hand": _CE
    + "e = torch.exp(z)\np = e / e.sum(1, keepdim=True)\nprint('own', -p[range(2), y].log().mean())",
    "numpy with the maximum taken off": _NP
    + "e = np.exp(zn - zn.max(1, keepdims=True))\np = e / e.sum(1, keepdims=True)\n"
    "print('np', -np.log(p[[0, 1], yn]).mean())",
    "a loop over the rows": _NP
    + "total = 0.0\nfor row, k in zip(zn, yn):\n    total += np.log(np.exp(row).sum()) - row[k]\n"
    "print('loop', total / 2)",
    "one-hot rows": _CE + "h = F.one_hot(y, 3).float()\nprint('own', -(h * F.log_softmax(z, 1)).sum(1).mean())",
    "squares": _MSE + "print('own', ((a - b) ** 2).sum() / 3)",
    "binary by hand": _BCE + "s = torch.sigmoid(x)\nprint('own', -(t * s.log() + (1 - t) * (1 - s).log()).mean())",
    "printed with few digits": _CE + "lp = F.log_softmax(z, 1)\nprint(f'own {(-lp[range(2), y]).mean():.4f}')",
}
UNRELATED: Final[dict[str, str]] = {
    "an accuracy": _CE + "p = z.softmax(1)\nprint('acc', (p.argmax(1) == y).float().mean())",
    "an entropy": _CE + "p = z.softmax(1)\nprint('entropy', -(p * p.log()).sum(1).mean())",
    "a mean probability": _CE + "p = z.softmax(1)\nprint('confidence', p.max(1).values.mean())",
    "a penalty": _MSE + "print('l2 penalty', (a ** 2).sum())",
    "an absolute error": _MSE + "print((a - b).abs().max())",
    "the root by name": _MSE + "print('norm', (a - b).norm())",
    "the norm of something else": _CE + "w = torch.tensor([3.0, 4.0])\nprint(w.norm())",
}
