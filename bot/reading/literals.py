"""Numbers in prose and what the words beside them call them: "CE of logits [1, 0, 0], target 0"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bot.reading.cues import GETS, UNIT
from bot.reading.losses import loss_mentions
from bot.reading.printed import Printed, Value, scaled, shape
from bot.reading.tensors import tensors
from bot.reading.text import as_prose, blanked

MAX_LITERALS = 64
NEAR = 48


class Role(Enum):
    INPUT = "input"
    TARGET = "target"
    WEIGHT = "weight"
    RESULT = "result"


_TARGET = (
    r"(?:targets?|labels?|gold|[yt](?=\s?(?:=|:|is\b))|ground[\s-]truth|truth|y_?true|"
    r"true class|correct class|right class|"
    r"one[\s-]?hot(?: labels?)?|class(?: index)?|正解(?:クラス|ラベル|インデックス)?|"
    r"ターゲット|ラベル|クラス|标签|类别|目标|真实类别|正确类别|etiquetas?|objetivo|clase(?: correcta)?|cible|"
    r"classe(?: correcte| correta)?|[ée]tiquettes?|正解値|正确答案|真实值|실제|목표|"
    r"ziel(?:klasse)?|klasse|정답(?: 클래스)?|타깃|타겟|레이블|라벨|클래스|alvo|r[óo]tulos?|метк\w+|класс\w{0,2}|"
    r"цел[ьи]|लक्ष्य|लेबल|टारगेट|क्लास|(?:و?ال)?(?:فئة|هدف|تسمية))"
)
_INPUT = (
    r"(?:logits?|scores?|outputs?|preds?|predictions?|predicted|inputs?|probs?|probabilit\w+|model says|y_?pred|"
    r"y_?hat|x|出力|ロジット|予測|スコア|入力|確率|"
    r"输出|预测|予測値|得分|分数|概率|logits|salidas?|predicci[óo]n|puntuaciones|sorties?|pr[ée]dictions?|scores|ausgaben?|"
    r"vorhersage|출력|로짓|예측|점수|"
    r"sa[íi]das?|predi[çc][ãa]o|previs[ãa]o|previsto|выход\w*|логит\w*|предсказани\w*|आउटपुट|लॉजिट\w*|स्कोर|(?:ال)?(?:مخرجات|توقعات|تنبؤ))"
)
_ROLE = re.compile(
    rf"(?P<target>(?<![A-Za-z]){_TARGET}(?![A-Za-z]|[\s_-]*smoothing))|(?P<input>(?<![A-Za-z]){_INPUT}(?![A-Za-z]))|"
    r"(?P<weight>(?<![A-Za-z_])(?:class |pos_)?weights?(?![A-Za-z])|重み|权重|가중치)|"
    r"(?P<result>(?<![A-Za-z_])(?:loss(?:es)?(?: printed| is)?|gives?|gave|got|prints?|printed|returns?|result|"
    r"expect\w*)(?![A-Za-z])|損失|损失|손실)",
    re.I,
)
_SCALAR_TARGET = re.compile(
    rf"(?<![A-Za-z]){_TARGET}(?![A-Za-z])(?:\s*(?:は|が|を|も|是|为|은|는|이|가|=|:|is|was|index|es|est|ist|é|равен|"
    rf"है|\"|')){{0,3}}\s*(\d{{1,6}})(?![\d.]*\d|[A-Za-z]|[ \t]+[-+]?\d|\s*(?:classes|クラス|类))",
    re.I,
)
_ORDINAL_TARGET = re.compile(
    rf"(?<![A-Za-z]){_TARGET}(?![A-Za-z])(?:\s*(?:は|が|是|为|은|는|이|가|=|:|is|was|being|as|es|est|ist|é))?\s*"
    r"(?:the|der|die|das|la|le|el|o|a)?\s*(?:(?P<i0>first|1st|erste|premi[èe]re?|primer[ao]?|primeir[ao]|перв\w+|"
    r"1\s*番目|最初|第一个?|첫\s*번째)|(?P<i1>second|2nd|zweite|deuxi[èe]me|seconde?|segund[ao]|втор\w+|2\s*番目|第二个?|"
    r"두\s*번째)|(?P<i2>third|3rd|dritte|troisi[èe]me|tercer[ao]?|terceir[ao]|трет\w+|3\s*番目|第三个?|세\s*번째))(?![A-Za-z])",
    re.I,
)
"""A class that is told by its place among the scores: "the right class being the first"."""

_NUMBER = r"[-+]?(?:\d{1,12}(?:\.\d{1,12})?|\.\d{1,12})(?![A-Za-z0-9_%]|\.\d)"
_IS = (
    r"(?:値|值|값)?(?:\s*(?:=|:|は|が|の|を|で|もし|是|为|等于|은|는|이|가|을|를|\b(?:is|was|are|were|sind|sont|son|são|of|at|equals|being|"
    r"(?:of|from) (?:the|my|our) (?:model|network)|ist|war|von|des (?:Modells|Netzes)|es|era|fue|vale|del? modelo|"
    r"da rede|foi|é|do modelo|est|était|vaut|du (?:modèle|réseau)|de|d'|"
    r"an?|un|une|una|um|uma|einer?|einem|равн\w+|была?|было|модели|сети)(?![A-Za-z])|है|का|की)){0,3}\s*"
)
_AND = (
    r"(?:\s*[,;、]\s*(?:(?:and|et|und|y|e|и)\s+)?|\s+(?:(?:and|et|und|y|e|и|और)\s+)?|"
    r"\s*(?:と|和|와|과|,?\s*그리고)\s*)"
)
"""Between the numbers of a row."""

_SCALAR_PAIRS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"(?<![A-Za-z])(?:(?<!instead )of|between|for)\s+({_NUMBER})\s*(?:and|vs\.?|versus|&)\s*({_NUMBER})",
        rf"(?<![\d.])({_NUMBER})\s*と\s*({_NUMBER})\s*(?:の|間)",
    )
)
_SCALAR_ROLE = re.compile(
    rf"(?<![A-Za-z])(?:(?P<input>{_INPUT})|(?P<target>{_TARGET}))(?![A-Za-z]){_IS}"
    rf"(?P<number>{_NUMBER})(?![ \t]+[-+]?\.?\d)",
    re.I,
)
_SERIES = re.compile(
    rf"(?<![A-Za-z])(?:(?P<input>{_INPUT})|(?P<target>targets|labels|classes|ラベル|标签)|"
    rf"(?P<truth>ground[\s-]truth|truth|y_?true|actual(?: values?)?))(?![A-Za-z])"
    rf"{_IS}(?P<series>{_NUMBER}(?:{_AND}{_NUMBER}){{1,32}})",
    re.I,
)
_APPLIED = re.compile(r"[\s:,(]*(?:of|between|for|on|with)?[\s:(]*", re.I)
_BESIDE = re.compile(r"\s*(?:[,;、&]|and|vs\.?|versus|against|with|と|和|및|и|y|und|et|e)\s*", re.I)
_INSTEAD = re.compile(
    r"[\s,;:]*(?:and|but|y|e|et|und|а|и)?\s*(?:not|instead\s+of|rather\s+than|no|pas|nicht|statt|anstatt|não|не|ではなく|"
    r"じゃなく|而不是|不是|말고|아니라)\s*",
    re.I,
)
"""Between two values: what there is, and what was expected in its place."""

_SIZE = re.compile(r"(?:shapes?|sizes?|dims?|dimensions?|形状|サイズ)\s*(?:is|of|are|=|:|は|が)?\s*\(?$", re.I)
_TIMES = re.compile(r"\s*(?:times|multiplied by|[*×])\s*(\d{1,6}(?:\.\d{1,6})?)", re.I)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in the prose and its role; `named` says that a word gave it, not its place.

    `loose` says that it is a row without brackets.
    """

    role: Role
    value: Value
    integral: bool
    start: int
    end: int
    named: bool = True
    loose: bool = False


def literals(prose: str) -> list[Literal]:
    """Every list, tensor and class index of the prose with its role, in order; sizes are no values."""
    plain = as_prose(prose).replace("`", " ")
    shown = tensors(plain)
    rows = _series(blanked(plain, [(value.start, value.end) for value in shown]))
    values = [value for value in (*shown, *rows) if _is_value(plain, value)][:MAX_LITERALS]
    values.sort(key=lambda value: value.start)
    scalars = [m for m in _SCALAR_TARGET.finditer(plain) if not any(v.start <= m.start(1) < v.end for v in values)]
    found = [Literal(Role.TARGET, float(m.group(1)), True, m.start(1), m.end(1)) for m in scalars[:MAX_LITERALS]]
    found += [
        Literal(Role.TARGET, float((m.lastgroup or "i0")[1:]), True, *m.span(m.lastgroup or 0))
        for m in (*_ORDINAL_TARGET.finditer(plain),)[:MAX_LITERALS]
    ]
    losses = [(start, end) for start, end, _ in loss_mentions(plain)]
    before = 0
    for value in values:
        times = _TIMES.match(plain, value.end)
        number = scaled(value.value, float(times.group(1))) if times else value.value
        said = _role_said(plain, before, value.start, losses)
        beside = (
            found[-1] if found and found[-1].end == before and _BESIDE.fullmatch(plain, before, value.start) else None
        )
        role = said or _role_of_place(value, found, beside)
        if found and found[-1].end == before and _INSTEAD.fullmatch(plain, before, value.start):
            role = Role.RESULT
            found[-1] = found[-1] if found[-1].named else replace(found[-1], role=Role.RESULT)
        found.append(Literal(role, number, value.integral, value.start, value.end, said is not None, value in rows))
        before = value.end
    return sorted(found, key=lambda item: item.start)


def role_of_name(name: str) -> Role | None:
    """Input or target, where a name says which: "logits", "y_true"."""
    words = {name.lower(), name.lower().replace("_", " ")}
    if any(re.fullmatch(_TARGET, each, re.I) for each in words) or name in ("y", "t"):
        return Role.TARGET
    return Role.INPUT if any(re.fullmatch(_INPUT, each, re.I) for each in words) or name in ("x", "z") else None


def _series(prose: str) -> list[Printed]:
    """Numbers in a row without brackets: "logits are 2.0, 0.5 and the label is 1"."""
    found: list[Printed] = []
    for match in _SERIES.finditer(prose):
        words = re.findall(_NUMBER, match.group("series"))
        integral = all(word.lstrip("+-").isdigit() for word in words)
        if (match.group("input") or match.group("truth") or integral) and not UNIT.match(prose, match.end()):
            found.append(Printed(tuple(map(float, words)), 0.0, *match.span("series"), integral))
    return found


def scalars(prose: str) -> list[Literal]:
    """Two plain numbers, "of 3 and 5" or "prediction 3, target 5", as input and target; none where one is lacking."""
    plain = as_prose(prose)
    for pair in (match for pattern in _SCALAR_PAIRS for match in pattern.finditer(plain)):
        if not GETS.search(plain, max(0, pair.start() - NEAR), pair.start()) and not UNIT.match(plain, pair.end()):
            return [_scalar(Role.INPUT, pair, 1), _scalar(Role.TARGET, pair, 2)]
    roles = [match for match in _SCALAR_ROLE.finditer(plain) if not UNIT.match(plain, match.end())][:MAX_LITERALS]
    first = {role: next((m for m in roles if m.group(role.value)), None) for role in (Role.INPUT, Role.TARGET)}
    found = [_scalar(role, match, "number") for role, match in first.items() if match]
    return found if len(found) == len(first) else []


def _scalar(role: Role, match: re.Match[str], group: int | str) -> Literal:
    number = match.group(group)
    return Literal(role, float(number), "." not in number, match.start(group), match.end(group))


def _is_value(prose: str, value: Printed) -> bool:
    size = _SIZE.search(prose, max(0, value.start - NEAR), value.start)
    return value.complete and shape(value.value) is not None and not size


def _role_said(prose: str, before: int, at: int, losses: Sequence[tuple[int, int]]) -> Role | None:
    """By the last word before it within reach; "MSE loss of [1, 2]" names the loss and no result."""
    applied = max((start for start, end in losses if end <= at and _APPLIED.fullmatch(prose, end, at)), default=None)
    words = [*_ROLE.finditer(prose, max(before, at - NEAR), at)]
    if applied is not None:  # what stands before the name of the loss is said of something else
        words = [word for word in words if word.start() >= applied and word.lastgroup != Role.RESULT.value]
    return Role(words[-1].lastgroup) if words else None


def _role_of_place(value: Printed, found: Sequence[Literal], beside: Literal | None) -> Role:
    """The first list is the input, the next the target, and so is one right beside an input that its place made one."""
    if not isinstance(value.value, tuple):
        return Role.RESULT
    if beside is not None and beside.role is Role.INPUT and not beside.named:
        return Role.TARGET
    known = {item.role for item in found}
    return Role.TARGET if Role.INPUT in known and Role.TARGET not in known else Role.INPUT
