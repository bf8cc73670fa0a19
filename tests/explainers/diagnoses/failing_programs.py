"""Programs that stop, that overflow, and that lose their gradient, as people write them."""

from __future__ import annotations

import math

HEAD = "import numpy as np\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
SCORES = "z = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\n"
LABELS = "y = torch.tensor([0, 1])\n"
BITS = "p = torch.tensor([0.9, 0.2, 0.7])\n"
SURE = "x = torch.tensor([3.0, -2.0, 1.5])\nt = torch.tensor([1.0, 0.0, 1.0])\n"
PAIR = "a = torch.tensor([1.0, 2.0, 4.0])\nb = torch.tensor([1.5, 2.0, 3.0])\n"
STEPS = "s = torch.tensor([[[0.6, 0.5, -1.0]], [[0.2, 0.7, -0.3]]]).log_softmax(2)\n"
WEIGHT = "w = torch.tensor([1.0, 2.0], requires_grad=True)\n"

STOPS = [
    # slug, the line to blame in the source below, the program that stops, the program that is meant
    (
        "ce-target-one-based",
        SCORES + "crit = nn.CrossEntropyLoss(reduction='sum')\ncrit(z, torch.tensor([1, 3]))",
        SCORES + "F.cross_entropy(z, torch.tensor([0, 2]), reduction='sum')",
    ),
    (
        "ce-target-out-of-range",
        SCORES + "crit = nn.NLLLoss(reduction='sum')\ncrit(z.log_softmax(1), torch.tensor([2, -1]))",
        SCORES + "F.cross_entropy(z[:1], torch.tensor([2]), reduction='sum')",
    ),
    (
        "ce-target-out-of-range",
        "torch.manual_seed(0)\nlast = nn.Linear(4, 3)\nF.cross_entropy(last(torch.ones(2, 4)), torch.tensor([0, 4]))",
        None,
    ),
    (
        "ce-target-column",
        SCORES + "def loss_of(out, labels):\n    return F.cross_entropy(out, labels)\n"
        "loss_of(z, torch.tensor([[0.0], [1.0]]))",
        SCORES + LABELS + "F.cross_entropy(z, y)",
    ),
    (
        "ce-target-float-indices",
        SCORES + LABELS + "nn.CrossEntropyLoss()(z, y.to(torch.int32))",
        SCORES + LABELS + "F.cross_entropy(z, y)",
    ),
    (
        "ce-target-int-one-hot",
        SCORES + LABELS + "F.cross_entropy(z, F.one_hot(y, 3))",
        SCORES + LABELS + "F.cross_entropy(z, y)",
    ),
    (
        "ce-class-dim-last",
        "s = torch.arange(60.0).reshape(2, 5, 6).cos()\nF.nll_loss(s, torch.ones(2, 5, dtype=torch.long))",
        "s = torch.arange(60.0).reshape(2, 5, 6).cos()\nF.nll_loss(s.mT, torch.ones(2, 5, dtype=torch.long))",
    ),
    (
        "batch-sizes-differ",
        SCORES + "F.cross_entropy(z.T, torch.tensor([0, 1]))",
        SCORES + LABELS + "F.cross_entropy(z, y)",
    ),
    ("bce-on-logits", SURE + "F.binary_cross_entropy(x, t)", SURE + "F.binary_cross_entropy_with_logits(x, t)"),
    (
        "bce-target-outside-01",
        BITS + "nn.BCELoss()(p, torch.tensor([255.0, 0.0, 255.0]))",
        BITS + "nn.BCELoss()(p, torch.tensor([1.0, 0.0, 1.0]))",
    ),
    (
        "bce-sizes-differ",
        SURE + "nn.BCEWithLogitsLoss()(x[:, None], t)",
        SURE + "F.binary_cross_entropy_with_logits(x, t)",
    ),
    (
        "integer-binary-target",
        SURE + "F.binary_cross_entropy_with_logits(x, t > 0)",
        SURE + "F.binary_cross_entropy_with_logits(x, t)",
    ),
    (
        "integer-prediction",
        "F.l1_loss(torch.tensor([3, 5]), torch.tensor([1, 1]))",
        "F.l1_loss(torch.tensor([3.0, 5.0]), torch.tensor([1.0, 1.0]))",
    ),
    ("integer-prediction", "n = torch.tensor([3, 5])\nn.mean()", "torch.tensor([3.0, 5.0]).mean()"),
    (
        "operand-dtypes",
        PAIR + "d = torch.from_numpy(np.array([1.0, 1.0, 2.0]))\na @ d",
        PAIR + "a @ torch.tensor([1.0, 1, 2])",
    ),
    ("index-dtype", SCORES + "z.gather(1, torch.tensor([[0.0], [2.0]])).sum()", "torch.tensor(2.0 - 0.3)"),
    ("integer-requires-grad", "v = torch.tensor([2, 3], requires_grad=True)\n(v ** 2).sum()", "torch.tensor(13.0)"),
    (
        "not-a-tensor",
        "out = (torch.tensor([[2.0, 0.5]]), None)\nF.cross_entropy(out, torch.tensor([0]))",
        "F.cross_entropy(torch.tensor([[2.0, 0.5]]), torch.tensor([0]))",
    ),
    (
        "not-a-tensor",
        PAIR + "F.binary_cross_entropy_with_logits(a, torch.ones(3), pos_weight=np.float64(3.0))",
        PAIR + "F.binary_cross_entropy_with_logits(a, torch.ones(3), pos_weight=torch.tensor([3.0]))",
    ),
    ("not-a-tensor", PAIR + "F.mse_loss(a, [1.5, 2.0, 3.0])", PAIR + "F.mse_loss(a, b)"),
    (
        "not-a-tensor",
        LABELS + "rows = [torch.ones(2), torch.zeros(2)]\nF.cross_entropy(rows, y)",
        LABELS + "rows = [torch.ones(2), torch.zeros(2)]\nF.cross_entropy(torch.stack(rows), y)",
    ),
    (
        "values-and-indices",
        SCORES + "F.relu(1 - torch.max(z, 1)).mean()",
        SCORES + "F.relu(1 - torch.max(z, 1).values).mean()",
    ),
    (
        "einsum-sizes",
        "import torch\nq, k = torch.ones(2, 5, 8), torch.ones(2, 7, 8)\n"
        "torch.einsum('bid,bjd->bij', q, k.transpose(1, 2)).mean()",
        "import torch\nq, k = torch.ones(2, 5, 8), torch.ones(2, 7, 8)\n"
        "torch.einsum('bid,bdj->bij', q, k.transpose(1, 2)).mean()",
    ),
    ("not-a-tensor", SCORES + "F.cross_entropy(z, np.array([0, 1]))", SCORES + LABELS + "F.cross_entropy(z, y)"),
    ("not-a-tensor", SCORES + "F.cross_entropy(z[:1], 2)", SCORES + "F.cross_entropy(z[:1], torch.tensor([2]))"),
    (
        "shapes-do-not-broadcast",
        SCORES + "(z / z.norm(dim=1)).sum()",
        SCORES + "(z / z.norm(dim=1, keepdim=True)).sum()",
    ),
    ("shapes-do-not-broadcast", "u = torch.ones(2, 4, 3)\nnn.MSELoss()(u, torch.zeros(2, 3, 4))", "torch.tensor(1.0)"),
    ("matmul-sizes", SCORES + "torch.matmul(z, z).sum()", SCORES + "torch.matmul(z, z.T).sum()"),
    (
        "matmul-sizes",
        "torch.manual_seed(0)\nnet = nn.Sequential(nn.Linear(4, 2), nn.ReLU())\nnet(torch.ones(3, 5)).sum()",
        None,
    ),
    ("reshape-impossible", "torch.arange(12.0).view(5, 3).mean()", "torch.tensor(5.5)"),
    ("join-sizes", "torch.stack([torch.ones(2, 3), torch.zeros(2, 1)]).mean()", "torch.tensor(0.75)"),
    ("no-such-axis", "torch.tensor([2.0, 0.5]).softmax(dim=1)[0]", "torch.tensor([2.0, 0.5]).softmax(dim=0)[0]"),
    (
        "dimensions-differ",
        PAIR + "F.margin_ranking_loss(a[:, None], b[:, None], torch.ones(3))",
        PAIR + "F.margin_ranking_loss(a, b, torch.ones(3))",
    ),
    (
        "dimensions-differ",
        SCORES + "nn.CosineEmbeddingLoss()(z, z.flip(1), torch.tensor([[1.0, -1.0]]))",
        SCORES + "nn.CosineEmbeddingLoss()(z, z.flip(1), torch.tensor([1.0, -1.0]))",
    ),
    (
        "dimensions-differ",
        SCORES + "F.cosine_embedding_loss(z[0], z[1], torch.tensor([-1.0]))",
        SCORES + "F.cosine_embedding_loss(z[:1], z[1:], torch.tensor([-1.0]))",
    ),
    (
        "dimensions-differ",
        SCORES + "nn.CosineEmbeddingLoss()(z, z.flip(1), torch.tensor(1.0))",
        SCORES + "F.cosine_embedding_loss(z, z.flip(1), torch.tensor([1.0, 1.0]))",
    ),
    (
        "dimensions-differ",
        SCORES + "F.cosine_embedding_loss(z, z[0], torch.tensor([1.0, -1.0]))",
        SCORES + "F.cosine_embedding_loss(z, z[[0, 0]], torch.tensor([1.0, -1.0]))",
    ),
    (
        "integer-shares-or-variances",
        SCORES + LABELS + "nn.KLDivLoss(reduction='batchmean')(z.log_softmax(1), F.one_hot(y, 3))",
        SCORES + LABELS + "F.cross_entropy(z, y)",
    ),
    (
        "integer-shares-or-variances",
        PAIR + "F.gaussian_nll_loss(a, b, torch.tensor([1, 4, 2]))",
        PAIR + "F.gaussian_nll_loss(a, b, torch.tensor([1.0, 4.0, 2.0]))",
    ),
    (
        "integer-shares-or-variances",
        "n = torch.tensor([1, 2])\nF.gaussian_nll_loss(n, n + 1, n)",
        "n = torch.tensor([1.0, 2.0])\nF.gaussian_nll_loss(n, n + 1, n)",
    ),
    ("one-hot-negative", "F.one_hot(torch.tensor([0, -100, 2])).float().mean()", "torch.tensor(1 / 3)"),
    ("index-dtype", "F.one_hot(torch.tensor([0, 2], dtype=torch.int32)).float().mean()", "torch.tensor(1 / 3)"),
    (
        "linear-features-differ",
        SCORES + LABELS + "F.linear_cross_entropy(z, torch.arange(12.0).reshape(3, 4), y)",
        SCORES + LABELS + "F.cross_entropy(z @ torch.arange(12.0).reshape(3, 4), y)",
    ),
    (
        "linear-features-differ",
        SCORES + LABELS + "F.linear_cross_entropy(z.T, torch.eye(3), y)",
        SCORES + LABELS + "F.cross_entropy(z, y)",
    ),
    (
        "linear-features-differ",
        SCORES + LABELS + "F.linear_cross_entropy(z, torch.eye(3), y, linear_bias=torch.ones(1, 3))",
        SCORES + LABELS + "F.cross_entropy(z, y)",
    ),
    (
        "ctc-lengths-too-long",
        STEPS + "F.ctc_loss(s, torch.tensor([[1]]), (3,), (1,))",
        STEPS + "F.ctc_loss(s, torch.tensor([[1]]), (2,), (1,))",
    ),
    (
        "ctc-lengths-too-long",
        STEPS + "most = [2]\nnn.CTCLoss()(s, torch.tensor([[1]]), [2], target_lengths=most)",
        STEPS + "F.ctc_loss(s, torch.tensor([[1]]), (2,), (1,))",
    ),
    (
        "ctc-lengths-unlike",
        STEPS + "F.ctc_loss(s, torch.tensor([[1]]), torch.tensor([2.0]), torch.tensor([1.0]))",
        STEPS + "F.ctc_loss(s, torch.tensor([[1]]), (2,), (1,))",
    ),
    (
        "ctc-lengths-unlike",
        STEPS + "F.ctc_loss(s, torch.tensor([[1]]), torch.tensor([2]), (1,))",
        STEPS + "F.ctc_loss(s, torch.tensor([[1]]), (2,), (1,))",
    ),
    (
        "ctc-lengths-unlike",
        STEPS + "F.ctc_loss(s.expand(2, 2, 3), torch.tensor([[1], [2]]), torch.tensor([2]), torch.tensor([1, 1]))",
        STEPS + "F.ctc_loss(s.expand(2, 2, 3), torch.tensor([[1], [2]]), (2, 2), (1, 1))",
    ),
    (
        "ctc-blank-out-of-range",
        STEPS + "nn.CTCLoss(blank=3)(s, torch.tensor([[1]]), (2,), (1,))",
        STEPS + "F.ctc_loss(s, torch.tensor([[1]]), (2,), (1,), blank=2)",
    ),
    (
        "ctc-blank-out-of-range",
        STEPS + "F.ctc_loss(s, torch.tensor([[2]]), (2,), (1,), -1)",
        STEPS + "F.ctc_loss(s, torch.tensor([[2]]), (2,), (1,))",
    ),
    ("loss-class-called-like-function", PAIR + "nn.MSELoss(a, b)", PAIR + "F.mse_loss(a, b)"),
    ("arguments-swapped", SCORES + LABELS + "crit = nn.NLLLoss()\ncrit(y, z)", SCORES + LABELS + "F.nll_loss(z, y)"),
    ("missing-argument", PAIR + "target = b\nF.smooth_l1_loss(a)", PAIR + "F.smooth_l1_loss(a, b)"),
    ("missing-argument", SCORES + "z.softmax()[0, 0]", SCORES + "z.softmax(-1)[0, 0]"),
    ("missing-argument", SCORES + "torch.logsumexp(z[1])", SCORES + "torch.logsumexp(z[1], -1)"),
    ("unknown-argument", PAIR + "nn.HuberLoss(delt=2.0)(a, b)", PAIR + "nn.HuberLoss(delta=2.0)(a, b)"),
    ("unknown-reduction", PAIR + "F.mse_loss(a, b, reduction='total_sum')", PAIR + "F.mse_loss(a, b, reduction='sum')"),
    ("unknown-attribute", SCORES + "z.logsoftmax(1).sum()", SCORES + "z.log_softmax(1).sum()"),
    ("unknown-attribute", PAIR + "from torch.nn import MSEloss\nMSEloss()(a, b)", PAIR + "F.mse_loss(a, b)"),
    ("undefined-name", "prediction = torch.ones(2)\nF.mse_loss(predictions, torch.zeros(2))", "torch.tensor(1.0)"),
    ("index-out-of-range", "F.one_hot(torch.tensor([0, 3]), 3).float().mean()", "torch.tensor(0.25)"),
    ("index-out-of-range", SCORES + "z.gather(1, torch.tensor([[1], [3]])).sum()", SCORES + "z[0, 0] + z[1, 2]"),
    ("index-dimensions", SCORES + LABELS + "z.gather(1, y).sum()", SCORES + "z[0, 0] + z[1, 1]"),
    ("needs-one-element", PAIR + "if (a > 1):\n    a = a * 2\na.sum()", PAIR + "(a * 2).sum()"),
    ("backward-on-unreduced", WEIGHT + "(w * w).backward()", "torch.tensor(2.5)"),
    (
        "argmax-cuts-gradient",
        WEIGHT + "hit = (w > 1.5).float()\nloss = F.mse_loss(hit, torch.tensor([0.0, 1.0]))\nloss.backward()",
        "F.binary_cross_entropy_with_logits(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 1.0]))",
    ),
    ("detached-loss", WEIGHT + "loss = torch.tensor((w * w).sum().item())\nloss.backward()", "torch.tensor(5.0)"),
    ("detached-loss", WEIGHT + "loss = (w.data ** 2).sum()\nloss.backward()", "torch.tensor(5.0)"),
    (
        "detached-loss",
        WEIGHT + "with torch.no_grad():\n    loss = (w ** 2).sum()\nloss.backward()",
        "torch.tensor(5.0)",
    ),
    (
        "no-gradient-wanted",
        "v = torch.ones(3)\nloss = F.mse_loss(v, torch.zeros(3))\nloss.backward()",
        "torch.tensor(1.0)",
    ),
    (
        "second-backward",
        WEIGHT + "loss = w.exp().sum()\nfor _ in range(2):\n    loss.backward()",
        WEIGHT + "w.exp().sum()",
    ),
    (
        "second-backward",
        WEIGHT + "opt = torch.optim.SGD([w], 0.1)\npred = 2 * w\nloss = (pred ** 2).sum()\nfor _ in range(2):\n"
        "    opt.zero_grad()\n    loss.backward()\n    opt.step()",
        WEIGHT + "(2 * (w - 0.1 * 8 * w)).pow(2).sum()",
    ),
    (
        "modified-in-place",
        WEIGHT + "h = torch.sigmoid(w)\nh[0] = 0.0\nh.sum().backward()",
        WEIGHT + "torch.sigmoid(w)[1]",
    ),
    ("modified-in-place", WEIGHT + "h = w.tanh()\nh.mul_(2)\nh.sum().backward()", WEIGHT + "2 * w.tanh().sum()"),
    ("leaf-changed-in-place", WEIGHT + "w.mul_(3)\nw.sum()", "torch.tensor(9.0)"),
    (
        "leaf-changed-in-place",
        WEIGHT + "loss = (w ** 2).sum()\nloss.backward()\nw -= 0.1 * w.grad\nprint(w.sum())",
        None,
    ),
    ("numpy-of-grad", WEIGHT + "np.exp(w)\nw.sum()", "torch.tensor(3.0)"),
    (
        "ce-target-out-of-range",
        SCORES + "m = torch.arange(12.0).reshape(4, 3).cos()\nF.linear_cross_entropy(z, m, torch.tensor([0, -1]))",
        SCORES + "m = torch.arange(12.0).reshape(4, 3).cos()\nF.linear_cross_entropy(z[:1], m, torch.tensor([0]))",
    ),
    (
        "predicted-classes-as-scores",
        SCORES + LABELS + "chosen = z.argmax(1)\nF.cross_entropy(chosen, y)",
        SCORES + LABELS + "F.cross_entropy(z, y)",
    ),
    (
        "bce-sizes-differ",
        SCORES + LABELS + "F.binary_cross_entropy_with_logits(z, y)",
        SCORES + "F.binary_cross_entropy_with_logits(z, torch.tensor([[1.0, 0, 0], [0, 1, 0]]))",
    ),
    (
        "shapes-do-not-broadcast",
        PAIR + "F.smooth_l1_loss(a, b[:2])",
        PAIR + "F.smooth_l1_loss(a[:2], b[:2])",
    ),
    (
        "shapes-do-not-broadcast",
        PAIR + "((a - b[:2]) ** 2).mean()",
        PAIR + "F.mse_loss(a[:2], b[:2])",
    ),
    (
        "arguments-do-not-fit",
        SCORES + "F.gaussian_nll_loss(z, z.T.reshape(2, 3), torch.tensor([1.0, 2.0, 3.0]))",
        SCORES + "F.gaussian_nll_loss(z, z.T.reshape(2, 3), torch.tensor([[1.0, 2.0, 3.0]] * 2))",
    ),
    (
        "arguments-do-not-fit",
        SCORES + LABELS + "F.multilabel_margin_loss(z, y)",
        SCORES + "F.multilabel_margin_loss(z, torch.tensor([[0, -1, -1], [1, -1, -1]]))",
    ),
    (
        "ctc-shapes",
        STEPS + "nn.CTCLoss()(s.expand(2, 3, 3).transpose(0, 1), torch.tensor([[1], [1], [2]]), (2, 2, 2), (1, 1, 1))",
        STEPS + "nn.CTCLoss()(s.expand(2, 3, 3), torch.tensor([[1], [1], [2]]), (2, 2, 2), (1, 1, 1))",
    ),
    (
        "ctc-shapes",
        STEPS + "F.ctc_loss(s, torch.tensor([1]), (2,), (2,))",
        STEPS + "F.ctc_loss(s, torch.tensor([1]), (2,), (1,))",
    ),
    (
        "argument-of-another-type",
        PAIR + "F.huber_loss(a, b, delta='2')",
        PAIR + "F.huber_loss(a, b, delta=2.0)",
    ),
    (
        "not-a-tensor",
        SCORES + "F.cross_entropy(z, 1)",
        SCORES + "F.cross_entropy(z, torch.tensor([1, 1]))",
    ),
    (
        "not-a-tensor",
        SCORES + LABELS + "F.cross_entropy(z, y, 'sum')",
        SCORES + LABELS + "F.cross_entropy(z, y, reduction='sum')",
    ),
    (
        "missing-argument",
        PAIR + "F.l1_loss(a)",
        PAIR + "a.abs().mean()",
    ),
]


TURNS = [
    # slug, the function and the line that made the first number that is not finite, the program, the value it should be
    ("log-softmax-underflow", "log", 7, "z = torch.tensor([0.0, 120.0])\np = F.softmax(z, dim=0)\n-p.log()[0]", 120.0),
    ("log-softmax-underflow", "log", 6, "z = torch.tensor(-800.0)\nlp = torch.log(torch.sigmoid(z))\n-lp", 800.0),
    ("zero-times-log-zero", "log", 6, "q = torch.tensor([1.0, 0.0])\nh = q * q.log()\n-h.sum()", 0.0),
    (
        "zero-times-log-zero",
        "log",
        7,
        "p = torch.tensor([0.0, 1.0])\nlq = torch.tensor([0.5, 0.5]).log()\n(p * (p.log() - lq)).sum()",
        math.log(2),
    ),
    (
        "zero-times-log-zero",
        "log",
        7,
        "p = torch.tensor([1.0, 0.0])\ny = torch.tensor([1.0, 0.0])\n"
        "-(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()",
        0.0,
    ),
    ("log-of-nonpositive", "log", 5, "(torch.log(torch.tensor([1.0, 0.0])) + 1).sum()", math.log(1e-12) + 2),
    (
        "exp-overflow-manual-softmax",
        "exp",
        6,
        "z = torch.tensor([[200.0, 100.0]])\ne = torch.exp(z)\n(e / e.sum(dim=1, keepdim=True))[0, 0]",
        1.0,
    ),
    (
        "exp-overflow-manual-softmax",
        "exp",
        6,
        "z = torch.tensor([90.0, 90.0])\ntorch.log(torch.exp(z).sum(0))",
        90 + math.log(2),
    ),
    ("half-overflow", "mul", 6, "h = torch.tensor(300.0, dtype=torch.float16)\nh * h", 90000.0),
    ("number-overflow", "exp", 5, "torch.tensor([89.0]).exp().sum()", math.exp(89.0)),
    ("zero-over-zero", "div", 7, "c = torch.zeros(3)\nn = c.sum()\nc.sum() / n", 0.0),
    ("direction-of-zero", "div", 6, "x = torch.tensor([3.0, 0.0])\n(x / x.abs()).mean()", 0.5),
    (
        "direction-of-zero",
        "div",
        6,
        "a = torch.tensor([[3.0, 4.0], [0.0, 0.0]])\nn = a / a.norm(dim=1, keepdim=True)\n(n @ n.T).mean()",
        0.25,
    ),
    (
        "direction-of-zero",
        "div",
        6,
        "a = torch.tensor([[3.0, 4.0], [0.0, 0.0]])\n(a / torch.sqrt((a**2).sum(1, keepdim=True))).sum()",
        1.4,
    ),
    ("stable-logarithm", "exp", 6, "x = torch.tensor([200.0, -3.0])\ntorch.log(1 + torch.exp(x)).sum()", 200.0485874),
    ("stable-logarithm", "exp", 6, "x = torch.tensor([100.0, 3.0])\ntorch.log1p(x.exp()).sum()", 103.0485874),
    ("stable-logarithm", "cosh", 6, "x = torch.tensor([1000.0])\ntorch.cosh(x).log().mean()", 1000 - math.log(2)),
    (
        "stable-logarithm",
        "log",
        7,
        "x = torch.tensor([40.0, -3.0])\np = torch.sigmoid(x)\n-((1 - p).log() * torch.tensor([1.0, 0.0])).sum()",
        40.0,
    ),
    (
        "stable-logarithm",
        "log",
        8,
        "x = torch.tensor([40.0, -3.0])\ny = torch.tensor([0.0, 1.0])\np = torch.sigmoid(x)\n"
        "-(y * p.log() + (1 - y) * (1 - p).log()).mean()",
        21.5242937,
    ),
    ("stable-logarithm", "log", 7, "a = torch.tensor(-300.0)\nb = a - 1\n(a.exp() + b.exp()).log()", -299.6867383),
    ("stable-logarithm", "log", 6, "x = torch.tensor([-1000.0, -1001.0])\ntorch.log(x.exp().sum())", -999.6867383),
    ("stable-logarithm", "log", 7, "x = torch.tensor([-120.0])\np = 1 / (1 + torch.exp(-x))\n-p.log().sum()", 120.0),
    (
        "stable-logarithm",
        "exp",
        6,
        "s = torch.tensor([[900.0, 1.0], [2.0, 800.0]])\npos = torch.exp(s.diag())\n"
        "-torch.log(pos / torch.exp(s).sum(1)).mean()",
        0.0,
    ),
    ("stable-root", "pow", 6, "x = torch.tensor([1e20, 1.0])\n((x - 1) ** 2).mean().sqrt()", 7.0710678e19),
    ("stable-root", "mul", 6, "d = torch.tensor([3e19, 1.0])\ntorch.sqrt(d * d + 1e-6).sum()", 3e19),
    (
        "stable-root",
        "pow",
        7,
        "a = torch.tensor([3e19])\nb = torch.tensor([4e19])\ntorch.sqrt(a**2 + b**2).sum()",
        5e19,
    ),
    ("inf-minus-inf", "sub", 6, "m = torch.tensor([float('inf'), 1.0])\nd = m - m\nd.sum()", 0.0),
    (
        "infinity-times-zero",
        "mul",
        6,
        "m = torch.tensor([float('inf'), 2.0])\n(m * torch.tensor([0.0, 1.0])).sum()",
        2.0,
    ),
    (
        "infinity-times-zero",
        "mul",
        7,
        "d = torch.tensor([1.0, float('inf')])\nw = torch.tensor([3.0, 0.0])\n(w * d).sum()",
        3.0,
    ),
    (
        "infinity-times-zero",
        "mul",
        7,
        "p = torch.tensor([0.25, 0.0])\ns = torch.tensor([-2.0, float('-inf')])\ntorch.mul(s, p).sum()",
        -0.5,
    ),
    (
        "inf-minus-inf",
        "sub",
        7,
        "x = torch.full((1, 3), float('-inf'))\nm = x.max(1, keepdim=True).values\n"
        "(m + (x - m).exp().sum(1, keepdim=True).log())[0, 0]",
        -1e9,
    ),
    (
        "log-softmax-underflow",
        "log",
        7,
        "x = torch.tensor([[-200.0, 0.0]])\np = torch.softmax(x, 1)\n-torch.log(p[0, 0])",
        200.0,
    ),
    (
        "zero-times-log-zero",
        "log",
        7,
        "x = torch.tensor([[1.0, 0.0, 2.0]]).masked_fill(torch.arange(3) == 2, -torch.inf)\n"
        "p = torch.softmax(x, 1)\n-(p * torch.log(p)).sum()",
        0.5822031,
    ),
    ("std-of-one-sample", "var", 5, "torch.tensor([[4.0]]).var(dim=0)[0]", 0.0),
    ("mean-of-nothing", "mean", 6, "v = torch.tensor([1.0, 2.0])\nv[v > 5].mean()", 0.0),
    ("outside-domain", "acos", 5, "torch.acos(torch.tensor(1.0000001192092896))", 0.0),
    (
        "ce-all-targets-ignored",
        "nll_loss",
        5,
        "nn.NLLLoss(ignore_index=0)(torch.zeros(2, 3), torch.tensor([0, 0]))",
        0.0,
    ),
    (
        "fully-masked-row",
        "softmax",
        6,
        "s = torch.zeros(1, 2).masked_fill(torch.tensor([[True, True]]), float('-inf'))\ns.softmax(-1)[0, 0]",
        0.5,
    ),
    (
        "masked-target-minus-inf",
        "cross_entropy",
        6,
        "s = torch.tensor([0.0, float('-inf')])\nF.cross_entropy(s, torch.tensor(1))",
        1e4,
    ),
]


GRADIENTS = [
    # slug, the line to blame, the program, the mended gradient
    (
        "where-gradient-trap",
        6,
        "v = torch.tensor([0.0, 1.0], requires_grad=True)\nl = torch.where(v > 0, v.log(), v)\nl.sum().backward()",
        [1.0, 1.0],
    ),
    (
        "where-gradient-trap",
        6,
        "v = torch.tensor([0.0, 1.0], requires_grad=True)\nl = torch.where(v > 0, -v * torch.log(v), 0.0)\n"
        "l.sum().backward()",
        [0.0, -1.0],
    ),
    (
        "sqrt-zero-gradient",
        6,
        "v = torch.tensor([0.0, 4.0], requires_grad=True)\nd = (v * v).sqrt()\nd.sum().backward()",
        [0.0, 1.0],
    ),
    (
        "log-underflow-gradient",
        6,
        "z = torch.tensor([[300.0, 0.0]], requires_grad=True)\nl = z.softmax(1).log()\n"
        "F.nll_loss(l, torch.tensor([0])).backward()",
        [0.0, 0.0],
    ),
    (
        "dead-relu",
        6,
        "v = torch.tensor([-3.0], requires_grad=True)\nh = F.relu(v)\n(h + v.detach() * 0).sum().backward()",
        [1.0],
    ),
    (
        "clamp-cuts-gradient",
        6,
        "v = torch.tensor([9.0], requires_grad=True)\nh = torch.clamp(v, max=1.0)\n(h * 2).sum().backward()",
        [2.0],
    ),
    (
        "gradient-cut-silently",
        7,
        WEIGHT + "c = torch.tensor(1.0, requires_grad=True)\nl = (w.detach() * 3).sum() + c\nl.backward()",
        [3.0, 3.0],
    ),
    (
        "gradient-cut-silently",
        7,
        WEIGHT + "losses = [(w[i] - 5) ** 2 for i in range(2)]\nl = torch.tensor(losses, requires_grad=True).mean()\n"
        "l.backward()",
        [-4.0, -3.0],
    ),
    (
        "gradient-cut-silently",
        6,
        "v = torch.tensor([0.5, 1.0], requires_grad=True)\n"
        "l = torch.tensor((v ** 2).sum().item(), requires_grad=True)\nl.backward()",
        [1.0, 2.0],
    ),
    (
        "gradient-cut-in-part",
        6,
        WEIGHT + "l = (w ** 2).sum().item() * (w - 3).abs().sum()\nl.backward()",
        [1.0, 7.0],
    ),
    (
        "gradient-cut-in-part",
        6,
        WEIGHT + "scale = float((w ** 2).sum())\nl = w.sum() * scale\nl.backward()",
        [11.0, 17.0],
    ),
    ("gradient-cut-in-part", 6, WEIGHT + "l = (w.data ** 2).sum() + w.sum()\nl.backward()", [3.0, 5.0]),
    (
        "gradient-cut-in-part",
        6,
        WEIGHT + "reg = w.abs().sum().item()\nl = (w**2).sum() + 0.1 * reg\nl.backward()",
        [2.1, 4.1],
    ),
    (
        "grad-of-computed-tensor",
        5,
        "w = torch.tensor([1.0, 2.0], requires_grad=True) * 0.1\nl = (w**2).sum()\nl.backward()\nprint(w.grad)\nl",
        [0.2, 0.4],
    ),
]
