"""Three tensors in prose → the call of a loss that takes three: anchor, positive, negative, or two inputs and signs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.reading.arguments import flattened, tensor
from bot.reading.printed import ANY_NUMBER, Printed, Value, shape
from bot.reading.tensors import tensors
from bot.reading.text import as_prose

NEAR = 40
"""Characters before a tensor within which a word says which argument it is."""

_TARGET = r"targets?|labels?|y|signs?|目標|ターゲット|ラベル|标签|目标|정답|타깃|ziel|cible|objetivo|alvo|цел[ьи]"
_PAIR = (("input1", r"input ?1|x1|first|a"), ("input2", r"input ?2|x2|second|b"), ("target", _TARGET))
ROLES: dict[str, tuple[tuple[str, str], ...]] = {
    "triplet_margin_loss": (
        ("anchor", r"anchor|アンカー|锚点?|앵커|ancla|ancre|anker|якор\w*"),
        ("positive", r"pos(?:itiv\w*)?|正例|正样本|ポジティブ|양성|положительн\w*"),
        ("negative", r"neg(?:ativ\w*)?|負例|负样本|ネガティブ|음성|отрицательн\w*"),
    ),
    "cosine_embedding_loss": _PAIR,
    "margin_ranking_loss": _PAIR,
    "gaussian_nll_loss": (
        ("input", r"inputs?|means?|mu|preds?|predictions?|outputs?|入力|予測|平均|输入|预测|均值|예측"),
        ("target", _TARGET),
        ("var", r"var(?:iances?)?|分散|方差|분산"),
    ),
}
"""Loss → its arguments in order, and the words for each."""

_MARGIN = re.compile(rf"(?:margin|マージン|间隔|边界|마진)\s*(?:=|of|is|は|是|:)?\s*({ANY_NUMBER})", re.I)
_REDUCTION = re.compile(r"reduction\s*=\s*['\"]?(sum|none|mean)", re.I)


@dataclass(frozen=True, slots=True)
class Triple:
    """A call, the place of its first tensor, and those of all that became part of it."""

    source: str
    start: int
    spans: tuple[tuple[int, int], ...]


def triple(losses: Sequence[str], prose: str) -> Triple | None:
    """The call of the first of the losses that takes three tensors, where the prose shows three that fit it."""
    loss = next((each for each in losses if each in ROLES), None)
    if loss is None:
        return None
    plain = as_prose(prose).replace("`", " ")
    shown = [value for value in tensors(plain) if value.complete and shape(value.value)]
    given = _assigned(plain, shown, ROLES[loss])
    values = [value.value for value in given]
    fitted = _fitted(loss, values) if len(values) == len(ROLES[loss]) else None
    if fitted is None:
        return None
    margin, reduction = _MARGIN.search(plain), _REDUCTION.search(plain)
    options = [f"margin={margin.group(1)}"] if margin and loss != "gaussian_nll_loss" else []
    options += [f'reduction="{reduction.group(1).lower()}"'] if reduction else []
    source = f"F.{loss}({', '.join([*map(tensor, fitted), *options])})"
    spans = tuple((value.start, value.end) for value in given)
    return Triple(source, min(start for start, _ in spans), spans)


def _assigned(plain: str, shown: Sequence[Printed], roles: Sequence[tuple[str, str]]) -> list[Printed]:
    """A value for each argument: those that a word names, then the others in their order; [] where one is lacking."""
    named: dict[str, Printed] = {}
    for name, words in roles:
        label = re.compile(rf"(?<![A-Za-z])(?:{words})(?![A-Za-z])[\s=:はがis是]*$", re.I)
        before = 0
        for value in shown:
            if value not in named.values() and label.search(plain, max(before, value.start - NEAR), value.start):
                named[name] = value
                break
            before = value.end
        if name not in named and name == "target" and (single := _single(plain, words)):
            named[name] = single
    rest = [value for value in shown if value not in named.values()]
    if len(named) + len(rest) != len(roles):
        return []
    return [named[name] if name in named else rest.pop(0) for name, _ in roles]


def _single(plain: str, words: str) -> Printed | None:
    """A target that is a number: "target -1"."""
    found = re.search(rf"(?<![A-Za-z])(?:{words})(?![A-Za-z])\s*(?:=|:|is|は|是)?\s*([-+]?1)(?![\d.])", plain, re.I)
    return Printed((float(found.group(1)),), 0.0, *found.span(1), True) if found else None


def _fitted(loss: str, values: Sequence[Value]) -> list[Value] | None:
    """The values in the shapes that torch takes, None where they do not fit each other."""
    first, second, third = values
    if shape(first) != shape(second):
        return None
    if loss != "cosine_embedding_loss":
        return [first, second, third] if shape(third) in (shape(first), (1,)) else None
    signs = flattened(third)
    rows = (shape(first) or ())[:-1]
    if rows == () and len(signs) == 1:
        return [first, second, signs[0]]
    return [first, second, tuple(signs)] if rows in ((len(signs),),) or (len(rows) == 1 and len(signs) == 1) else None
