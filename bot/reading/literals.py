"""Numbers in prose → the torch call written out: "CE of logits [1, 0, 0], target 0"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bot.reading.printed import Printed, Value, scaled, shape, tensors
from bot.reading.question import Completion, Origin, Snippet
from bot.reading.text import as_prose

MAX_CALLS = 8
MAX_LITERALS = 64
NEAR = 48


class Role(Enum):
    INPUT = "input"
    TARGET = "target"
    WEIGHT = "weight"
    RESULT = "result"


_TARGET = (
    r"(?:targets?|labels?|gold|ground[\s-]truth|truth|y_?true|true class|correct class|right class|"
    r"one[\s-]?hot(?: labels?)?|class(?: index)?|正解(?:クラス|ラベル|インデックス)?|"
    r"ターゲット|ラベル|クラス|标签|类别|目标|真实类别|正确类别|etiquetas?|objetivo|clase(?: correcta)?|cible|"
    r"classe(?: correcte| correta)?|[ée]tiquettes?|"
    r"ziel(?:klasse)?|klasse|정답(?: 클래스)?|타깃|타겟|레이블|라벨|클래스|alvo|r[óo]tulos?|метк\w+|класс\w{0,2}|"
    r"цел[ьи]|लक्ष्य|लेबल|टारगेट|क्लास)"
)
_INPUT = (
    r"(?:logits?|scores?|outputs?|preds?|predictions?|predicted|inputs?|probs?|probabilit\w+|model says|y_?pred|"
    r"y_?hat|x|出力|ロジット|予測|スコア|入力|確率|"
    r"输出|预测|得分|分数|概率|logits|salidas?|predicci[óo]n|puntuaciones|sorties?|pr[ée]dictions?|scores|ausgaben?|"
    r"vorhersage|출력|로짓|예측|점수|"
    r"sa[íi]das?|predi[çc][ãa]o|выход\w*|логит\w*|предсказани\w*|आउटपुट|लॉजिट\w*|स्कोर)"
)
_ROLE = re.compile(
    rf"(?P<target>(?<![A-Za-z]){_TARGET}(?![A-Za-z]))|(?P<input>(?<![A-Za-z]){_INPUT}(?![A-Za-z]))|"
    r"(?P<weight>(?<![A-Za-z_])(?:class |pos_)?weights?(?![A-Za-z])|重み|权重|가중치)|"
    r"(?P<result>(?<![A-Za-z])(?:loss(?:es)?(?: printed| is)?|gives?|gave|got|prints?|printed|returns?|result|"
    r"expect\w*)(?![A-Za-z])|損失|损失|손실)",
    re.I,
)
_SCALAR_TARGET = re.compile(
    rf"(?<![A-Za-z]){_TARGET}(?![A-Za-z])(?:\s*(?:は|が|を|も|是|为|은|는|이|가|=|:|is|was|index|es|est|ist|é|равен|"
    rf"है|\"|')){{0,3}}\s*(\d{{1,6}})(?![\d.]*\d|[A-Za-z]|\s*(?:classes|クラス|类))",
    re.I,
)
_TIMES = re.compile(r"\s*(?:times|multiplied by|[*×])\s*(\d{1,6}(?:\.\d{1,6})?)", re.I)
_SMOOTHING = re.compile(r"label[ _-]smoothing\s*(?:=|of|:)?\s*(0?\.\d+)", re.I)
_REDUCTION = re.compile(r"reduction\s*=\s*['\"]?(sum|none|mean)", re.I)
_INDEXED = frozenset(("cross_entropy", "nll_loss", "multi_margin_loss"))
_TWO_TENSORS = frozenset((
    "cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss",
    "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "poisson_nll_loss", "soft_margin_loss",
    "multilabel_soft_margin_loss", "multilabel_margin_loss", "multi_margin_loss", "hinge_embedding_loss",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in the prose and what the words beside it call it."""

    role: Role
    value: Value
    integral: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Written:
    """The literals of a message as a program: `snippet` is None while something is lacking, then `lacks` says what."""

    snippet: Snippet | None
    lacks: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


def written(prose: str, losses: Sequence[str]) -> Written | None:
    """The call that the prose describes; None where it gives no input tensor, or names no loss that takes two.

    Without a named loss, an index beside scores means cross_entropy.
    """
    found = literals(prose)
    inputs = [item for item in found if item.role is Role.INPUT]
    targets = [item for item in found if item.role is Role.TARGET]
    named = [loss for loss in losses if loss in _TWO_TENSORS][:2]
    if not inputs or (losses and not named) or (not named and not targets):
        return None
    spans = tuple((item.start, item.end) for item in found if item.role is not Role.RESULT)
    if not targets:
        return Written(None, ("target",), spans)
    assumed = () if named else (Completion("loss", "cross_entropy", "F.cross_entropy"),)
    lines = [
        (_call(loss, item, target, found, prose), prose.count("\n", 0, item.start) + 1)
        for loss in named or ["cross_entropy"]
        for item, target in _pairs(inputs, targets)
    ][:MAX_CALLS]
    source, line_map = zip(*lines, strict=True)
    imports = (
        Completion("import", "torch", "import torch"),
        Completion("import", "F", "import torch.nn.functional as F"),
    )
    return Written(Snippet("\n".join(source), Origin.LITERAL, line_map, (*imports, *assumed), True), (), spans)


def literals(prose: str) -> list[Literal]:
    """Every list, tensor and class index of the prose with its role, in order."""
    plain = as_prose(prose)
    values = [value for value in tensors(plain) if value.complete and shape(value.value) is not None][:MAX_LITERALS]
    scalars = [m for m in _SCALAR_TARGET.finditer(plain) if not any(v.start <= m.start(1) < v.end for v in values)]
    found = [Literal(Role.TARGET, float(m.group(1)), True, m.start(1), m.end(1)) for m in scalars[:MAX_LITERALS]]
    before = 0
    for value in values:
        times = _TIMES.match(plain, value.end)
        number = scaled(value.value, float(times.group(1))) if times else value.value
        found.append(Literal(_role(plain, before, value, found), number, value.integral, value.start, value.end))
        before = value.end
    return sorted(found, key=lambda item: item.start)


def _role(prose: str, before: int, value: Printed, found: Sequence[Literal]) -> Role:
    """By the last word before it within reach, else by its place: the first list is the input, the next the target."""
    words = [*_ROLE.finditer(prose, max(before, value.start - NEAR), value.start)]
    if words and words[-1].lastgroup:
        return Role(words[-1].lastgroup)
    if not isinstance(value.value, tuple):
        return Role.RESULT
    known = {item.role for item in found}
    return Role.TARGET if Role.INPUT in known and Role.TARGET not in known else Role.INPUT


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


def _call(loss: str, item: Literal, target: Literal, found: Sequence[Literal], prose: str) -> str:
    value, aim = item.value, target.value
    as_index = loss in _INDEXED and target.integral and shape(aim) != shape(value)
    if as_index and shape(aim) == (1,) and len(shape(value) or ()) == 1:
        value = (value,)
    if as_index and shape(aim) == () and len(shape(value) or ()) == 2:
        aim = (aim,)
    if not as_index and shape(aim) == () and shape(value) == (1,):
        aim = (aim,)
    arguments = [_tensor(value), _tensor(aim, integers=as_index), *_options(loss, found, prose)]
    return f"F.{loss}({', '.join(arguments)})"


def _options(loss: str, found: Sequence[Literal], prose: str) -> list[str]:
    weights = [item for item in found if item.role is Role.WEIGHT and isinstance(item.value, tuple)]
    options = [f"weight={_tensor(weights[0].value)}"] if weights and loss in _INDEXED else []
    if loss == "cross_entropy" and (smoothing := _SMOOTHING.search(prose)):
        options.append(f"label_smoothing={float(smoothing.group(1))}")
    if reduction := _REDUCTION.search(prose):
        options.append(f'reduction="{reduction.group(1).lower()}"')
    return options


def _tensor(value: Value, integers: bool = False) -> str:
    return f"torch.tensor({_written(value, integers)})"


def _written(value: Value, integers: bool) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_written(v, integers) for v in value)}]"
    if integers and abs(value) < 2**53:
        return str(int(value))
    return repr(value) if value - value == 0 else f'float("{value}")'
