"""Literals with their roles → the call of the loss that the prose names, or what is lacking for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal as OneOf

from bot.reading.arguments import ELEMENTWISE, INDEXED, Arguments, arguments, flattened, tensor
from bot.reading.divergence import kl_arguments
from bot.reading.frameworks import foreign_losses, keras_source
from bot.reading.literals import Literal, Role, literals, scalars
from bot.reading.losses import changed_to, names_other_measure
from bot.reading.printed import shape
from bot.reading.question import Completion, Origin, Snippet
from bot.reading.sure import of_right_class
from bot.reading.triples import triple

MAX_CALLS = 8
Lack = OneOf["code", "target", "input", "loss"]

_SMOOTHING = re.compile(r"label[ _-]smoothing\s*(?:=|of|:)?\s*(0?\.\d+)", re.I)
_REDUCTION = re.compile(r"reduction\s*=\s*['\"]?(sum|none|mean)", re.I)
_DISTRIBUTION = re.compile(r"logit|softmax|one[\s-]?hot|soft[\s-]label|ロジット|ソフトマックス|ワンホット", re.I)
_CLASSIFYING = re.compile(
    rf"{_DISTRIBUTION.pattern}|class|label|(?<![A-Za-z])loss|クラス|ラベル|正解|損失|类|标签|클래스|레이블", re.I
)
_NEEDED: tuple[tuple[Role, Lack], ...] = ((Role.INPUT, "input"), (Role.TARGET, "target"))
_IMPORTS = (
    Completion("import", "torch", "import torch"),
    Completion("import", "F", "import torch.nn.functional as F"),
)


@dataclass(frozen=True, slots=True)
class Written:
    """The literals of a message as programs, a call in each; while something is lacking, `lacks` says what."""

    snippets: tuple[Snippet, ...]
    lacks: Lack | None
    spans: tuple[tuple[int, int], ...]


def written(prose: str, losses: Sequence[str]) -> Written | None:
    """The call that the prose describes, or what is lacking for it; None where its numbers are no arguments.

    Without a named loss, an index beside scores means cross_entropy, unless the numbers may be of something else.
    """
    if of_three := triple(losses, prose):
        line = prose.count("\n", 0, of_three.start) + 1
        return Written((_snippet(of_three.source, line, False, _IMPORTS),), None, of_three.spans)
    now = changed_to(prose)
    named = [loss for loss in losses if loss in INDEXED | ELEMENTWISE and now in (None, loss)][:2]
    found = literals(prose)
    if not _of(Role.INPUT, found) and any(loss in ELEMENTWISE for loss in named):
        found = scalars(prose) or found
    if not _of(Role.INPUT, found) and (sure := of_right_class(prose)):
        return _of_right_class(sure, prose, named)
    if not _of(Role.INPUT, found):
        found = [item for item in found if not item.loose]
    spans = tuple((item.start, item.end) for item in found if item.role is not Role.RESULT)
    inputs, targets = _of(Role.INPUT, found), _of(Role.TARGET, found)
    if lacks := _lacks(found, losses, named):
        return Written((), lacks, spans)
    if not inputs or not targets:
        return None
    if not named and not _means_cross_entropy(prose, _pairs(inputs, targets)):
        return Written((), "loss", spans)
    calls = _calls(named or ["cross_entropy"], found, prose)
    if not calls:
        return Written((), "target", spans)
    assumed = () if named else (Completion("loss", "cross_entropy", "F.cross_entropy"),)
    own = tuple(_snippet(*call, (*_IMPORTS, *assumed)) for call in calls)
    return Written((*own, *_foreign(inputs[0], targets[0], prose)), None, spans)


_ONE_SIDED = frozenset(("cross_entropy", "nll_loss"))
"""Losses of which the probability of the right class is enough."""


def _of_right_class(sure: Literal, prose: str, losses: Sequence[str]) -> Written | None:
    """-log p, as binary_cross_entropy with a label of 1 or as it is written by hand."""
    sources = {"binary_cross_entropy": f"F.binary_cross_entropy({tensor(sure.value)}, {tensor(1.0)})"}
    sources |= dict.fromkeys(_ONE_SIDED, f"-torch.log({tensor(sure.value)})")
    source = next((sources[loss] for loss in losses if loss in sources), None)
    line = prose.count("\n", 0, sure.start) + 1
    spans = ((sure.start, sure.end),)
    return Written((_snippet(source, line, False, _IMPORTS),), None, spans) if source else None


def _foreign(item: Literal, target: Literal, prose: str) -> list[Snippet]:
    """What Keras gives for the first pair, where the prose names its loss."""
    taken = arguments("cross_entropy", item, target) or arguments("binary_cross_entropy", item, target)
    named = foreign_losses(prose)
    source = keras_source(named, taken) if taken and named else None
    line = prose.count("\n", 0, item.start) + 1
    told = (*_IMPORTS, Completion("framework", named[0].name, source.rpartition("\n")[2])) if source else ()
    lines = (line,) * (source.count("\n") + 1) if source else ()
    return [Snippet(source, Origin.LITERAL, lines, told, shown=True)] if source else []


def _snippet(source: str, line: int, reshaped: bool, completions: tuple[Completion, ...]) -> Snippet:
    moved = (Completion("shape", "target", source),) if reshaped else ()
    return Snippet(source, Origin.LITERAL, (line,), (*completions, *moved), shown=True)


def _of(role: Role, found: Sequence[Literal]) -> list[Literal]:
    return [item for item in found if item.role is role]


def _lacks(found: Sequence[Literal], losses: Sequence[str], named: Sequence[str]) -> Lack | None:
    """What a loss by name lacks; an index alone is no argument yet ("why is the CE of class 1 ...")."""
    given = {item.role for item in found if item.role in (Role.INPUT, Role.TARGET)}
    listed = any(isinstance(item.value, tuple) for item in found if item.role in given)
    if not losses or not listed:
        return None
    if not named:
        return "code"
    return next((lack for role, lack in _NEEDED if role not in given), None)


def _means_cross_entropy(prose: str, pairs: Sequence[tuple[Literal, Literal]]) -> bool:
    """Whether logits and classes, said to be such, fit; a list of accuracies or prices is none."""
    said = _CLASSIFYING.search(prose) or any(item.named for item, _ in pairs)
    return bool(said) and not names_other_measure(prose) and all(_is_class(prose, *pair) for pair in pairs)


def _is_class(prose: str, item: Literal, target: Literal) -> bool:
    """Indices within the classes; a target as long as the input is one of classes only where the prose says so."""
    taken = arguments("cross_entropy", item, target)
    if taken is None or not taken.indexed:
        return taken is not None and bool(_DISTRIBUTION.search(prose))
    sizes = shape(taken.value) or ()
    return target.named and all(index < sizes[min(1, len(sizes) - 1)] for index in flattened(taken.target))


def _calls(losses: Sequence[str], found: Sequence[Literal], prose: str) -> list[tuple[str, int, bool]]:
    """Each call whose shapes fit, with its line in the prose, and whether its target was reshaped."""
    pairs = _pairs(_of(Role.INPUT, found), _of(Role.TARGET, found))
    calls = {
        _call(loss, taken, found, prose, reduction): (prose.count("\n", 0, item.start) + 1, taken.reshaped)
        for loss in losses
        for item, target in pairs
        if (taken := arguments(loss, item, target))
        for reduction in _reductions(prose)
    }
    return [(call, *place) for call, place in calls.items()][:MAX_CALLS]


def _pairs(inputs: Sequence[Literal], targets: Sequence[Literal]) -> list[tuple[Literal, Literal]]:
    """One target serves all inputs, one input all targets; else each input takes the target at its place."""
    if len(inputs) == 1:
        return [(inputs[0], target) for target in targets]
    if len(targets) == len(inputs):
        return list(zip(inputs, targets, strict=True))
    return [(item, _nearest(item, targets)) for item in inputs]


def _nearest(item: Literal, targets: Sequence[Literal]) -> Literal:
    before = [target for target in targets if target.start < item.start]
    return before[-1] if before else targets[0]


def _reductions(prose: str) -> list[str]:
    """Every reduction that is named, the last one first: it mostly is what is asked about; "" where none is."""
    named = [match.group(1).lower() for match in _REDUCTION.finditer(prose)]
    return [*dict.fromkeys(reversed(named))] or [""]


def _call(loss: str, taken: Arguments, found: Sequence[Literal], prose: str, reduction: str) -> str:
    options = [*_options(loss, found, prose), *([f'reduction="{reduction}"'] if reduction else [])]
    if loss == "kl_div":
        return f"F.kl_div({', '.join([*kl_arguments(taken, prose), *options])})"
    both = (tensor(taken.value), tensor(taken.target, integers=taken.indexed))
    return f"F.{loss}({', '.join([*both, *options])})"


def _options(loss: str, found: Sequence[Literal], prose: str) -> list[str]:
    weights = [item for item in found if item.role is Role.WEIGHT and isinstance(item.value, tuple)]
    options = [f"weight={tensor(weights[0].value)}"] if weights and loss in INDEXED else []
    if loss == "cross_entropy" and (smoothing := _SMOOTHING.search(prose)):
        options.append(f"label_smoothing={float(smoothing.group(1))}")
    return options
