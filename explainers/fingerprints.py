"""Numbers that give away how they came about, without the data that they came from.

Closed forms with small parameters (the number of classes, of views, a share) are searched for a printed number, within
the radius of its digits. Each form comes with a program of ours that returns it, so that the number is derived and
diagnosed as any other is; what was found is possible, never shown, until the asker answers the one question.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from explainers.messages import Message, said

MOST_CLASSES = 1000
MOST_ITEMS = 4
MOST_SUMMED = 100_000
SMOOTHINGS = (0.05, 0.1, 0.15, 0.2, 0.3)
MARGINS = (1.0, 0.5, 0.3, 0.2, 0.1, 2.0, 5.0, 10.0)
COARSEST = 2e-3  # radius of digits that still tell something, relative
COARSEST_STATED = 0.06  # radius of digits that still tell something of a known number of classes
MOST_STATED = 200_000
NEAR = 0.03  # of the level of chance: what random scores of an untrained model add to it
FINEST = 2e-6  # float32's own roundoff, relative
MOST = 3
AROUND = 0.05  # of a number, in which forms are counted
BY_CHANCE = 0.1  # how many of them may be expected as near as its digits by chance alone
KERAS, OLD_TORCH = 1e-7, 1e-12
FLOAT32_NORMAL, FLOAT32_LEAST, HALF_LEAST = 2.0**-126, 2.0**-149, 2.0**-24
NAMED_BOUNDS = MappingProxyType(
    {
        FLOAT32_NORMAL: " (FLT_MIN, the smallest normal float32)",
        FLOAT32_LEAST: " (the smallest float32 above 0)",
        HALF_LEAST: " (the smallest float16 above 0)",
    }
)
BOUNDS = (*NAMED_BOUNDS, 1e-5, 1e-6, 1e-8, 1e-9, 1e-10, 1e-15, 1e-16, 1e-20, 1e-30)
_CLOSE = 2e-4
SUPCON = 0.1 / 0.07  # what the usual code of SupCon multiplies by: its base temperature over its temperature

_ENTROPY = "entropy"
_WITHOUT_CLASSES = frozenset(
    ("triplet_margin_loss", "soft_margin_loss", "margin_ranking_loss", "cosine_embedding_loss", "hinge_embedding_loss")
)
"""Losses of pairs and scores: a number of classes that a value would be the logarithm of says nothing of them."""

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"


@dataclass(frozen=True)
class Fingerprint:
    """A closed form that a number is: its text, a program that returns it, and the question that would settle it.

    `slug` is the diagnosis that the program shows, `settled_by` the arguments that answer the question where they are
    known.
    """

    slug: str
    form: str
    source: str
    question: Message
    settled_by: tuple[str, ...] = ()


Candidates = Iterator[tuple[float, Callable[[], Fingerprint]]]


@dataclass(frozen=True)
class Family:
    """Forms of one kind, for losses of these names; `asks` means only where one of them is named."""

    losses: frozenset[str]
    candidates: Callable[[], Candidates]
    asks: bool = False
    finest: float = 1.0
    """Relative radius of the digits that tell these forms from chance, where they lie close together."""

    def within(self, value: float, slack: float) -> Fingerprint | None:
        """The one form that is so near; None where there is none, or several, or where they lie so close together that
        any number of so few digits would be near one: the digits tell nothing then."""
        if slack > self.finest * abs(value):
            return None
        around = [(at, make) for at, make in self.candidates() if abs(at - value) <= AROUND * abs(value)]
        near = [make for at, make in around if abs(at - value) <= slack]
        by_chance = len(around) * slack / (AROUND * abs(value))
        return near[0]() if len(near) == 1 and by_chance <= BY_CHANCE else None


def fingerprints(
    value: float, radius: float, losses: Collection[str] = (), classes: int | None = None
) -> tuple[Fingerprint, ...]:
    """The forms within the radius of a number, at most three, of what is met most often first.

    Where losses are named, of those alone. A whole number, whose radius is 0, is matched exactly; one of few digits
    gives nothing away. `classes` is how many the asker says there are: the forms of that many then come first, and
    need fewer digits; those of another number are none.
    """
    entropy = _ENTROPY in losses
    counted = not losses or not _WITHOUT_CLASSES.issuperset(losses)
    stated = classes if counted and classes is not None and 1 < classes <= MOST_STATED and not entropy else None
    if stated is not None and (told := _of_classes(value, radius, stated)):
        return told
    coarsest = COARSEST_STATED if entropy and classes is not None else COARSEST
    if value == 0 or radius > coarsest * abs(value) or classes == 1:
        return ()
    slack = max(radius, FINEST * abs(value))
    counts = range(2, MOST_CLASSES + 1) if classes is None else (classes,)
    meant = (f for f in _families(counts) if (f.losses & set(losses) if losses else not f.asks))
    found = (family.within(value, slack) for family in meant)
    return tuple(one for one in found if one is not None)[:MOST]


def _of_classes(value: float, radius: float, c: int) -> tuple[Fingerprint, ...]:
    """The forms of this many classes that are so near."""
    forms = (
        (math.log(c), _chance),
        (math.log1p((c - 1) / math.e), _one_hot),
        (math.log(math.e + c - 1), _wrong_one_hot),
    )
    slack = max(radius, FINEST * abs(value))
    return tuple(make(c) for at, make in forms if radius <= COARSEST_STATED and abs(at - value) <= slack)[:MOST]


def with_negatives(value: float, radius: float, negatives: int) -> Fingerprint | None:
    """The level of chance of one positive among this many negatives, where a number is that to all of its digits."""
    if not 0 < negatives <= MOST_STATED or abs(value - math.log(negatives + 1)) > max(radius, FINEST * abs(value)):
        return None
    source = f"logits = torch.zeros(1, {negatives} + 1)\nF.cross_entropy(logits, torch.tensor([0]))"
    question = said("Is it a contrastive loss of one positive among {count} negatives?", count=negatives)
    return Fingerprint("info-nce-at-chance", f"ln({negatives} + 1)", _HEAD + source, question, ("negatives",))


def of_pairs(value: float, radius: float, pairs: int) -> tuple[Fingerprint, ...]:
    """The level of chance of a contrastive loss over so many pairs: among them, or among all their views."""
    forms = ((math.log(pairs), _crossed), (math.log(2 * pairs - 1), partial(_contrastive, 1.0)))
    slack = max(radius, FINEST * abs(value))
    return tuple(make(pairs) for at, make in forms if 1 < pairs <= MOST_CLASSES and abs(at - value) <= slack)


def summed_chance(value: float, radius: float, counts: Collection[int]) -> tuple[Fingerprint, ...]:
    """ln 2 for each of so many yes-or-no answers, added up; nothing where several counts would fit."""
    near = [n for n in counts if 1 < n <= MOST_SUMMED and abs(n * math.log(2) - value) <= max(radius, FINEST * value)]
    return (_even_sum(near[0]),) if len(near) == 1 else ()


def _even_sum(n: int) -> Fingerprint:
    source = (
        f"logits = torch.zeros(1, {n})\nF.binary_cross_entropy_with_logits(logits, torch.ones(1, {n}), reduction='sum')"
    )
    question = said("Is the loss summed over {count} outputs, each with a sigmoid of its own?", count=n)
    return Fingerprint("chance-level-ln-c", f"{n} · ln 2", _HEAD + source, question)


def near_chance(value: float, classes: int | None) -> Fingerprint | None:
    """The level of chance of a known number of classes, where a loss lies so near that its scores say little yet."""
    if classes is None or not 1 < classes <= MOST_STATED:
        return None
    return _chance(classes) if abs(value - math.log(classes)) <= NEAR * math.log(classes) else None


def _families(counts: Collection[int]) -> tuple[Family, ...]:
    """The families; `counts` are the numbers of classes that may be meant."""
    entropy, binary = frozenset({"cross_entropy"}), frozenset({"binary_cross_entropy"})
    logits, triplet = frozenset({"binary_cross_entropy_with_logits"}), frozenset({"triplet_margin_loss"})
    chances = partial(_over, counts, _equal_chances, math.log)
    contrastive, pairs = frozenset({"info_nce"}), range(2, MOST_CLASSES + 1)
    return (
        Family(entropy, partial(_over, counts, _one_hot, lambda c: math.log1p((c - 1) / math.e))),
        Family(binary, partial(_even_odds, "p = torch.full((1,), 0.5)", "F.binary_cross_entropy(p, torch.{}(1))")),
        Family(
            logits,
            partial(_even_odds, "x = torch.zeros(1)", "F.binary_cross_entropy_with_logits(x, torch.{}(1))"),
        ),
        Family(entropy, partial(_over, counts, _chance, math.log)),
        Family(frozenset({"nll_loss"}), _negated_one),
        Family(binary, partial(_shares, 100.0, _cut)),
        Family(entropy, partial(_over, counts, _wrong_one_hot, lambda c: math.log(math.e + c - 1))),
        Family(entropy, partial(_smoothed, counts), finest=_CLOSE if len(counts) > 1 else 1.0),
        Family(logits, partial(_over, counts, _sigmoids, _of_sigmoids), finest=_CLOSE if len(counts) > 1 else 1.0),
        Family(logits, _one_sigmoid, asks=True),
        Family(contrastive, partial(_over, pairs, partial(_contrastive, 1.0), lambda n: math.log(2 * n - 1)), True),
        Family(
            contrastive,
            partial(_over, pairs, partial(_contrastive, SUPCON), lambda n: SUPCON * math.log(2 * n - 1)),
            True,
        ),
        Family(contrastive, partial(_over, pairs, _crossed, math.log), True),
        Family(frozenset({_ENTROPY}), chances, asks=True),
        Family(triplet, _soft_margin, asks=True),
        Family(frozenset({"soft_margin_loss"}), _undecided, asks=True),
        Family(triplet, partial(_margins, _margin), asks=True),
        Family(frozenset({"margin_ranking_loss"}), partial(_margins, _tie), asks=True),
        Family(entropy | binary, partial(_shares, -math.log(KERAS), _clipped_by_keras)),
        Family(binary, partial(_shares, -math.log(OLD_TORCH), _old_epsilon)),
        Family(entropy | binary | {"nll_loss"}, _bounds),
    )


def _over(counts: Collection[int], make: Callable[[int], Fingerprint], value: Callable[[int], float]) -> Candidates:
    return ((value(c), partial(make, c)) for c in counts)


def _shares(whole: float, make: Callable[[int, int], Fingerprint]) -> Candidates:
    """k of n terms at a bound, the others at 0."""
    for n in range(1, MOST_ITEMS + 1):
        for k in (k for k in range(1, n + 1) if math.gcd(k, n) == 1):
            yield whole * k / n, partial(make, k, n)


def _one_hot(c: int) -> Fingerprint:
    source = f"scores = F.one_hot(torch.tensor([0]), {c}).float()\nF.cross_entropy(scores, torch.tensor([0]))"
    question = said("Are these one-hot rows, or probabilities out of a softmax, over {count} classes?", count=c)
    return Fingerprint("ce-probabilities-as-logits", f"ln(1 + {c - 1}/e)", _HEAD + source, question)


def _wrong_one_hot(c: int) -> Fingerprint:
    source = f"scores = F.one_hot(torch.tensor([1]), {c}).float()\nF.cross_entropy(scores, torch.tensor([0]))"
    question = said("Are these one-hot rows that name a wrong class, over {count} classes?", count=c)
    return Fingerprint("ce-probabilities-as-logits", f"ln(e + {c - 1})", _HEAD + source, question)


def _chance(c: int) -> Fingerprint:
    source = f"logits = torch.zeros(1, {c})\nF.cross_entropy(logits, torch.tensor([0]))"
    question = said("Are there {count} classes, and has the loss stayed there since the first step?", count=c)
    return Fingerprint("chance-level-ln-c", f"ln {c}", _HEAD + source, question, ("classes",))


def _equal_chances(c: int) -> Fingerprint:
    log_p = f"classes = {c}\nlog_p = F.log_softmax(torch.zeros(1, classes), dim=1)"
    source = f"{log_p}\n-(log_p.exp() * log_p).sum(dim=1).mean()"
    question = said("Are there {count} choices, all equally likely at the start?", count=c)
    return Fingerprint("entropy-at-maximum", f"ln {c}", _HEAD + source, question)


def _even_odds(given: str, call: str) -> Candidates:
    """ln 2 of a prediction of 0.5, and two of them added up, as those of a discriminator are.

    `given` is the code of the prediction, `call` that of the loss of it and of "ones" or "zeros".
    """
    head, one = f"{_HEAD}{given}\n", call.format("ones")
    two = f"{one} + {call.format('zeros')}"
    question = said("Does the model give 0.5 for every item, as if it guessed?")
    yield math.log(2), lambda: Fingerprint("chance-level-ln-c", "ln 2", head + one, question)
    added = said("Are two losses added up, each of a model that gives 0.5 for every item?")
    yield math.log(4), lambda: Fingerprint("chance-level-ln-c", "2 · ln 2", head + two, added)


def _negated_one() -> Candidates:
    source = "scores = F.one_hot(torch.tensor([0]), 3).float()\nF.nll_loss(scores, torch.tensor([0]))"
    question = said("Does nll_loss get one-hot rows or probabilities, without a logarithm?")
    yield -1.0, lambda: Fingerprint("nll-on-probabilities", "−1", _HEAD + source, question)


def _cut(k: int, n: int) -> Fingerprint:
    form = "-max(log 0, -100)" if n == 1 else f"{k}/{n} · 100"
    question = said("Are {count} of {all} predictions exactly 0 or 1 on the wrong side?", count=k, all=n)
    return Fingerprint("bce-clamped-at-100", form, _certain(k, n), question)


def _clipped_by_keras(k: int, n: int) -> Fingerprint:
    question = said("Does the number come from Keras, which clips probabilities at 1e-7?")
    return Fingerprint("keras-clipped-probabilities", _share(k, n, KERAS), _certain(k, n, KERAS), question)


def _old_epsilon(k: int, n: int) -> Fingerprint:
    question = said("Does the number come from an old version of torch, which added 1e-12 inside the logarithm?")
    return Fingerprint("bce-older-epsilon", _share(k, n, OLD_TORCH), _certain(k, n, OLD_TORCH), question)


def _bounds() -> Candidates:
    """−log of the least value that code lets stand under a logarithm."""
    return ((-math.log(eps), partial(_bound, eps)) for eps in BOUNDS)


def _bound(eps: float) -> Fingerprint:
    least = f"{eps:.9g}"
    source = f"p = torch.tensor([0.0], dtype=torch.float64)\n-torch.log(p.clamp(min={least})).mean()"
    name = NAMED_BOUNDS.get(eps, "")
    question = said(
        "Is the probability of the right class 0 there, and cut off at {eps} before the logarithm?", eps=least
    )
    return Fingerprint("logarithm-at-its-bound", f"−ln {least}{name}", _HEAD + source, question)


def _share(k: int, n: int, eps: float) -> str:
    return f"−ln {eps:g}" if n == 1 else f"−{k}/{n} · ln {eps:g}"


def _certain(k: int, n: int, eps: float = 0.0) -> str:
    """k of n certain predictions are wrong; clipped at ε where there is one, in float64, which holds 1 − ε."""
    p, t = [1.0] * n, [0.0] * k + [1.0] * (n - k)
    dtype, clip = (", dtype=torch.float64", f".clamp({eps}, 1 - {eps})") if eps else ("", "")
    given = f"p, t = torch.tensor({p}{dtype}), torch.tensor({t}{dtype})"
    return f"{_HEAD}{given}\nF.binary_cross_entropy(p{clip}, t)"


def _sigmoids(c: int) -> Fingerprint:
    source = f"y = F.one_hot(torch.tensor([0]), {c}).float()\nF.binary_cross_entropy_with_logits(y, y)"
    question = said("Does the loss get the labels or probabilities as its input, {count} of them in a row?", count=c)
    form = f"(ln(1 + 1/e) + {c - 1}·ln 2)/{c}"
    return Fingerprint("bcewl-probabilities-as-logits", form, _HEAD + source, question)


def _of_sigmoids(c: int) -> float:
    return (math.log1p(1 / math.e) + (c - 1) * math.log(2)) / c


def _one_sigmoid() -> Candidates:
    source = "y = torch.ones(1)\nF.binary_cross_entropy_with_logits(y, y)"
    question = said("Does the loss get labels or probabilities as its input, one for each item?")
    slug, form = "bcewl-probabilities-as-logits", "ln(1 + 1/e)"
    yield math.log1p(1 / math.e), lambda: Fingerprint(slug, form, _HEAD + source, question)


def _smoothed(counts: Collection[int]) -> Candidates:
    for eps in SMOOTHINGS:
        for c in counts:
            hot, rest = 1 - eps + eps / c, eps / c
            yield -hot * math.log(hot) - (c - 1) * rest * math.log(rest), partial(_smoothing, eps, c)


def _smoothing(eps: float, c: int) -> Fingerprint:
    source = (
        f"p = torch.full((1, {c}), {eps} / {c})\np[0, 0] += 1 - {eps}\n"
        f"F.cross_entropy(p.log(), torch.tensor([0]), label_smoothing={eps})"
    )
    question = said("Is it label_smoothing={eps} over {count} classes?", eps=eps, count=c)
    form = f"H({1 - eps + eps / c:.4g}, {c - 1} × {eps / c:.4g})"
    return Fingerprint("ce-label-smoothing-floor", form, _HEAD + source, question, ("label_smoothing", "classes"))


def _contrastive(scale: float, n: int) -> Fingerprint:
    views, by = 2 * n, "" if scale == 1.0 else "0.1 / 0.07 * "
    source = (
        f"logits = torch.zeros({views}, {views}).masked_fill(torch.eye({views}, dtype=torch.bool), float('-inf'))\n"
        f"{by}F.cross_entropy(logits, (torch.arange({views}) + {n}) % {views})"
    )
    question = said("Is it a contrastive loss over batches of {count} pairs?", count=n)
    form = f"ln(2·{n} − 1)" if scale == 1.0 else f"ln(2·{n} − 1) · 0.1/0.07"
    return Fingerprint("info-nce-at-chance", form, _HEAD + source, question)


def _crossed(n: int) -> Fingerprint:
    source = f"logits = torch.zeros({n}, {n})\nF.cross_entropy(logits, torch.arange({n}))"
    question = said("Is it a contrastive loss between two sets of {count} embeddings?", count=n)
    return Fingerprint("info-nce-at-chance", f"ln {n}", _HEAD + source, question)


def _soft_margin() -> Candidates:
    source = (
        "anchor = torch.tensor([[0.3, 0.4]])\npositive, negative = anchor.clone(), anchor.clone()\n"
        "d_pos, d_neg = (anchor - positive).norm(dim=1), (anchor - negative).norm(dim=1)\n"
        "F.softplus(d_pos - d_neg).mean()"
    )
    question = said("Is it a triplet loss with a soft margin, log(1 + exp(d(a,p) - d(a,n)))?")
    yield math.log(2), lambda: Fingerprint("soft-margin-at-collapse", "ln 2 = log(1 + e⁰)", _HEAD + source, question)


def _undecided() -> Candidates:
    source = "x = torch.zeros(1)\nF.soft_margin_loss(x, torch.ones(1))"
    question = said("Does the model give the score 0 for every item?")
    yield math.log(2), lambda: Fingerprint("chance-level-ln-c", "ln 2", _HEAD + source, question)


def _margins(make: Callable[[float], Fingerprint]) -> Candidates:
    return ((margin, partial(make, margin)) for margin in MARGINS)


def _margin(margin: float) -> Fingerprint:
    source = (
        "anchor = torch.tensor([[0.3, 0.4]])\npositive, negative = anchor.clone(), anchor.clone()\n"
        f"F.triplet_margin_loss(anchor, positive, negative, margin={margin})"
    )
    question = said("Is {margin} the margin that you set?", margin=f"{margin:g}")
    return Fingerprint("triplet-margin-at-collapse", f"0 − 0 + {margin:g}", _HEAD + source, question, ("margin",))


def _tie(margin: float) -> Fingerprint:
    source = (
        "scores = torch.tensor([0.3, 0.3])\n"
        f"F.margin_ranking_loss(scores, scores.clone(), torch.ones(2), margin={margin})"
    )
    question = said("Is {margin} the margin that you set?", margin=f"{margin:g}")
    return Fingerprint("ranking-margin-at-tie", f"0 + {margin:g}", _HEAD + source, question, ("margin",))
