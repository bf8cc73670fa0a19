"""Arguments of a loss that do not fit each other: the least change of shapes with which they would."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from explainers.diagnoses.operands import replaced
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, functional
from explainers.recording import Tensor

Shape = tuple[int, ...]
_CUT: Final = 6  # what a change costs that leaves elements out: more than any that keeps them


@dataclass(frozen=True)
class Change:
    """What is written around an argument ("{}" stands for it), the shape that it then has, and how far that goes."""

    pattern: str
    shape: Shape
    cost: int


@dataclass(frozen=True)
class Fitted:
    """The program with the changes.

    Where it is `cut`, elements of an argument are left out; `read` says that class indices became rows ("rows") or
    rows class indices ("indices").
    """

    source: str
    cut: bool
    read: Literal["rows", "indices"] | None = None


@dataclass(frozen=True)
class Fit:
    """Arguments that have to fit each other, and how far given shapes are from doing so: None where they do not.

    `indices` is the argument that holds class indices, `floats` the one that torch takes in a floating dtype only;
    `rows` says that a row of the target is about the classes, so that a class index may have been meant as one-hot.
    """

    arguments: tuple[str, ...]
    far: Callable[..., int | None]
    indices: str | None = None
    floats: str | None = None
    rows: bool = False


def per_item(x: Shape) -> Shape:
    """The shape of class indices for scores (C), (N, C) or (N, C, …)."""
    return x[:1] + x[2:] if len(x) > 1 else ()


def _broadcast(*shapes: Shape) -> Shape | None:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def _alike(*shapes: Shape) -> int | None:
    return None if _broadcast(*shapes) is None else 0 if len(set(shapes)) == 1 else 1


def _onto_first(x: Shape, y: Shape) -> int | None:
    return None if _broadcast(x, y) != x else 0 if x == y else 1


def _equal(*shapes: Shape) -> int | None:
    return 0 if len(set(shapes)) == 1 else None


def _equal_rows(x: Shape, y: Shape) -> int | None:
    return 0 if x == y and x else None


def _equal_of_rows(x: Shape, y: Shape) -> int | None:
    return 0 if x == y and len(x) <= 2 else None


def _of_as_many_dimensions(*shapes: Shape) -> int | None:
    return _alike(*shapes) if len({len(s) for s in shapes}) == 1 else None


def _with_variance(x: Shape, y: Shape, var: Shape) -> int | None:
    return _alike(x, y) if x and var in (x, x[:-1], (*x[:-1], 1)) else None


def _pairs(first: Shape, second: Shape, y: Shape) -> int | None:
    return 0 if first == second and len(first) in (1, 2) and y == first[:-1] else None


def _indices_of_scores(x: Shape, y: Shape) -> int | None:
    return 0 if x and y == per_item(x) else None


def _indices_of_features(x: Shape, y: Shape) -> int | None:
    return 0 if len(x) in (1, 2) and y == x[:-1] else None


_PAIR: Final = ("input", "target")
_BROADCAST: Final = ("l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss")
_OPERATORS: Final = ("add", "sub", "mul", "div", "pow", "maximum", "minimum", "eq", "ne", "lt", "le", "gt", "ge")
_BINARY: Final = Fit(_PAIR, _equal, floats="target", rows=True)
_SCORES: Final = Fit(_PAIR, _indices_of_scores, indices="target")
_FEATURES: Final = Fit(_PAIR, _indices_of_features, indices="target")
_TRIPLET: Final = Fit(("anchor", "positive", "negative"), _of_as_many_dimensions)

FITS: Final[Mapping[str, Fit]] = MappingProxyType(
    {
        **dict.fromkeys((*_BROADCAST, "hinge_embedding_loss"), Fit(_PAIR, _alike)),
        **dict.fromkeys(_OPERATORS, Fit(("input", "other"), _alike)),
        **dict.fromkeys(("cosine_similarity", "pairwise_distance"), Fit(("x1", "x2"), _alike)),
        **dict.fromkeys(("triplet_margin_loss", "triplet_margin_with_distance_loss"), _TRIPLET),
        **dict.fromkeys(("binary_cross_entropy", "binary_cross_entropy_with_logits"), _BINARY),
        **dict.fromkeys(("cross_entropy", "nll_loss"), _SCORES),
        **dict.fromkeys(("linear_cross_entropy", "AdaptiveLogSoftmaxWithLoss", "multi_margin_loss"), _FEATURES),
        "soft_margin_loss": Fit(_PAIR, _onto_first),
        "mse_loss": Fit(_PAIR, _alike, rows=True),
        "kl_div": Fit(_PAIR, _alike, floats="target", rows=True),
        "multilabel_soft_margin_loss": Fit(_PAIR, _equal_rows, rows=True),
        "multilabel_margin_loss": Fit(_PAIR, _equal_of_rows, indices="target"),
        "margin_ranking_loss": Fit(("input1", "input2", "target"), _of_as_many_dimensions),
        "gaussian_nll_loss": Fit(("input", "target", "var"), _with_variance, floats="var"),
        "cosine_embedding_loss": Fit(("input1", "input2", "target"), _pairs),
    }
)


def given(scene: Scene) -> Mapping[str, Tensor]:
    """The arguments of the scene's loss that have to fit each other, where all of them are tensors; else empty."""
    fit = FITS.get(scene.name)
    found = {name: scene.tensor(name) for name in (fit.arguments if fit is not None else ())}
    return {name: tensor for name, tensor in found.items() if tensor is not None and all(found.values())}


def fits(scene: Scene) -> bool:
    """Whether the arguments fit each other as they are, or nothing is known of what they have to be."""
    tensors, weight = given(scene), scene.tensor("linear_weight")
    if not tensors or FITS[scene.name].far(*(t.shape for t in tensors.values())) is not None:
        return True
    if scene.name not in ("cross_entropy", "linear_cross_entropy"):
        return False
    x, target = tensors["input"].shape, tensors["target"]
    scores = x if weight is None else x[:-1] + weight.shape[:-1]
    return bool(x) and target.floating and target.shape == scores  # probabilities of the classes


def fitted(scene: Scene) -> tuple[Fitted, ...]:
    """The program with the arguments made to fit by the change that goes least far, and by the next one where that too
    keeps all elements."""
    tensors = given(scene)
    if not tensors or max(len(t.shape) for t in tensors.values()) > 5:
        return ()
    goals = _goals(scene.name, [t.shape for t in tensors.values()])
    choices = [tuple(_changes(scene, name, tensor, goals)) for name, tensor in tensors.items()]
    found: dict[tuple[str, ...], tuple[int, bool]] = {}
    for chosen in itertools.product(*choices):
        far = FITS[scene.name].far(*(change.shape for change in chosen))
        if far is not None:
            cost = 2 * sum(change.cost for change in chosen) + far
            found[tuple(c.pattern for c in chosen)] = (cost, any(c.cost >= _CUT for c in chosen))
    ranked = sorted(found, key=lambda patterns: found[patterns][0])
    programs = list(_programs(scene, tuple(tensors), {p: found[p][1] for p in ranked[:4]}))
    return (*programs[:1], *(program for program in programs[1:2] if not program.cut))


def _programs(scene: Scene, names: tuple[str, ...], ranked: Mapping[tuple[str, ...], bool]) -> Iterator[Fitted]:
    for patterns, cut in ranked.items():
        texts = {name: None if text == "{}" else text for name, text in zip(names, patterns, strict=True)}
        source = replaced(scene, **texts)
        if source is not None and source != scene.recording.source:
            text = " ".join(patterns)
            yield Fitted(source, cut, "rows" if "one_hot" in text else "indices" if "argmax" in text else None)


def _goals(name: str, shapes: list[Shape]) -> tuple[Shape, ...]:
    """The shapes that an argument may be brought to: that of another one, what both have, and what is read of it."""
    pairs = list(itertools.permutations(shapes, 2))
    common = [tuple(map(min, zip(a, b, strict=True))) for a, b in pairs if len(a) == len(b)]
    heads = [(min(a[0], b[0]), *a[1:]) for a, b in pairs if a and b]
    ends = [(*a[: len(a) - k], *map(min, a[-k:], b[-k:])) for a, b in pairs if (k := min(len(a), len(b)))]
    goals, far = [*shapes, *common, *heads, *ends], FITS[name].far
    if far is _indices_of_scores:
        goals += [per_item(goal) for goal in goals]
    if far in (_indices_of_features, _pairs):
        goals += [goal[:-1] for goal in goals]
    return tuple(dict.fromkeys(goals))


def _changes(scene: Scene, name: str, tensor: Tensor, goals: tuple[Shape, ...]) -> Iterator[Change]:
    """What may be done to an argument, in the dtype that it has to have; one way to each shape."""
    fit = FITS[scene.name]
    best: dict[Shape, Change] = {}
    for change in (*_moved(tensor.shape, goals), *_read(scene, name, tensor, goals)):
        if change.shape not in best or change.cost < best[change.shape].cost:
            best[change.shape] = change
    cast = (
        ".long()" if name == fit.indices and tensor.dtype not in ("int64", "uint8")
        else ".float()" if name == fit.floats and not tensor.floating
        else ""
    )  # fmt: skip
    for change in best.values():
        typed = any(word in change.pattern for word in ("argmax", "one_hot"))
        yield change if typed else Change(change.pattern + cast, change.shape, change.cost)


def _moved(s: Shape, goals: tuple[Shape, ...]) -> Iterator[Change]:
    """The same elements laid out otherwise, repeated, or those that the other arguments have too."""
    yield Change("{}", s, 0)
    if not s:
        yield Change("{}.reshape(1)", (1,), 1)
    for axis in (k for k, size in enumerate(s) if size == 1):
        yield Change(f"{{}}.squeeze({axis})", s[:axis] + s[axis + 1 :], 1)
    for goal in goals:
        yield from _towards(s, goal)


def _towards(s: Shape, goal: Shape) -> Iterator[Change]:
    sizes, more = ", ".join(map(str, goal)), len(goal) - len(s)
    if s == goal:
        return
    if more > 0 and s == goal[: len(s)]:
        yield Change("{}" + ".unsqueeze(-1)" * more, s + (1,) * more, 1)
        yield Change("{}" + ".unsqueeze(-1)" * more + f".expand({sizes})", goal, 4)
    if more > 0 and s == goal[more:]:
        yield Change("{}" + ".unsqueeze(0)" * more, (1,) * more + s, 2)
    if not more:
        yield from _turned(s, goal)
    if [n for n in s if n != 1] == [n for n in goal if n != 1]:
        yield Change(f"{{}}.reshape({sizes or '()'})", goal, 2)
    if goal and _broadcast(s, goal) == goal:
        yield Change(f"{{}}.expand({sizes})", goal, 3)
    if math.prod(s) == math.prod(goal):
        yield Change(f"{{}}.reshape({sizes or '()'})", goal, 5)
    if not more and all(a >= b > 0 for a, b in zip(s, goal, strict=True)):
        last = max(k for k, (a, b) in enumerate(zip(s, goal, strict=True)) if a != b)
        slices = (f":{b}" if a != b else ":" for a, b in zip(s[: last + 1], goal, strict=False))
        yield Change(f"{{}}[{', '.join(slices)}]", goal, _CUT)
    if s and more == -1 and s[1:] == goal:
        yield Change("{}[0]", goal, _CUT + 1)


def _turned(s: Shape, goal: Shape) -> Iterator[Change]:
    for i, j in itertools.combinations(range(len(s)), 2):
        turned = list(s)
        turned[i], turned[j] = turned[j], turned[i]
        if tuple(turned) == goal:
            yield Change(f"{{}}.transpose({i}, {j})", goal, 1)


def has_many_axes(name: str, x: Shape) -> bool:
    """Whether scores have more axes than one of items and one of classes, and the loss takes no more."""
    return FITS[name].far in (_indices_of_features, _equal_of_rows) and len(x) > 2


def _as_rows(is_target: bool, s: Shape) -> Iterator[Change]:
    """Scores with their classes on the last or the second axis, or on all but the first, as one row per item, and the
    indices alike."""
    if is_target and len(s) > 1:
        yield Change("{}.flatten()", (math.prod(s),), 2)
    elif not is_target and len(s) > 2:
        yield Change("{}.flatten(0, -2)", (math.prod(s[:-1]), s[-1]), 2)
        yield Change("{}.movedim(1, -1).flatten(0, -2)", (math.prod(per_item(s)), s[1]), 3)
        yield Change("{}.flatten(1)", (s[0], math.prod(s[1:])), 4)


def _read(scene: Scene, name: str, tensor: Tensor, goals: tuple[Shape, ...]) -> Iterator[Change]:
    """Scores or one-hot rows read as class indices, class indices spread to rows, and axes that say nothing here."""
    fit, s = FITS[scene.name], tensor.shape
    called = functional(Source(scene.recording.source))
    if name == fit.indices and len(s) > 1 and fit.far not in (_equal, _equal_of_rows):
        yield Change("{}.argmax(1)", per_item(s), 3)
    if fit.far in (_indices_of_features, _equal_of_rows):
        yield from _as_rows(name == fit.indices and fit.far is _indices_of_features, s)
    if fit.far is _pairs and len(s) > 1:
        yield (
            Change("{}[:, 0]", (s[0], *s[2:]), _CUT)
            if name == "target"
            else Change("{}.flatten(1)", (s[0], math.prod(s[1:])), 2)
        )
    labels = scene.recorded(name) if name == "target" and not tensor.floating and tensor.dtype != "bool" else None
    if labels is None or not labels.size or labels.min() < 0:
        return
    for goal in (g for g in goals if len(g) == len(s) + 1 and g[:-1] == s and labels.max() < g[-1]):
        if fit.rows:
            yield Change(f"{called}.one_hot({{}}, {goal[-1]}).float()", goal, 1)
        elif fit.indices is not None and fit.far is _equal:  # lists of labels, which end with -1
            yield Change(f"{called}.pad({{}}.unsqueeze(-1), (0, {goal[-1] - 1}), value=-1)", goal, 1)
