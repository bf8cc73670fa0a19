"""Arguments of a loss that are said in words: "label smoothing 0.1 and 10 classes"."""

import math
import re

from bot.reading.question import Claim, Stated

CLASSES = "classes"
"""The name under which a number of classes is stated; torch has no such argument."""

NEGATIVES = "negatives"
"""The name under which a number of negatives of a contrastive loss is stated."""

_LARGEST = 14.0
"""Over a million classes are none."""

_IS = (
    r"[\s_:='\"]*(?:(?:is|of|to|at|set|value|=|:|は|を|が|就?是|为"
    r"|设(?:的|成)?(?:就|就是|为)?|을|를|은|는|de|von|auf|=>)[\s'\"]*){0,2}"
)
_NUMBER = r"([-+]?(?:\d{1,6}\.\d{0,12}|\.\d{1,12}|\d{1,9})(?:e[-+]?\d{1,3})?)(?![\w.]*\w)"
_LIST = r"\[?((?:[-+]?[\d.]{1,12}\s*,\s*){1,32}[-+]?[\d.]{1,12})\]?"
_WORDS: tuple[tuple[str, str], ...] = (
    (
        "label_smoothing",
        r"label[\s_-]*smoothing|smoothing|ラベル\s*(?:スムージング|平滑化)|标签平滑|(?:라벨|레이블)\s*스무딩",
    ),
    ("margin", r"margin|マージン|间隔|마진|margen|marge|отступ\w*"),
    ("delta", r"delta|デルタ|δ"),
    ("beta", r"beta|β"),
    ("gamma", r"gamma|γ"),
    ("alpha", r"alpha|α"),
    ("temperature", r"temperature|(?-i:T)(?=\s?=)|温度|온도|τ|tau"),
    ("ignore_index", r"ignore_index"),
    ("eps", r"eps(?:ilon)?"),
    ("blank", r"blank"),
    ("p", r"(?<![A-Za-z])p(?=\s?=)"),
    (
        "loss",
        r"(?:loss(?!_\d)(?:\s+of\s+(?:my|the|a)\s+\w+)?|損失|损失|손실|p[ée]rdida|perte|perda|verlust|потер\w+)",
    ),
    (
        "negatives",
        r"queue(?:[\s_-]*(?:size|length))?|negatives|キュー(?:サイズ)?|队列(?:长度|大小)?|큐(?:\s*크기)?",
    ),
    ("batch", r"batch(?:[\s_-]*size)?|バッチ(?:サイズ)?|批(?:次|大小|量)?|배치(?:\s*크기)?|(?<![A-Za-z])N(?=\s?=)"),
)
_SCALARS = tuple((name, re.compile(rf"(?<![A-Za-z])(?:{words}){_IS}{_NUMBER}", re.I)) for name, words in _WORDS)
_LISTS = tuple(
    (name, re.compile(rf"(?<![A-Za-z_]){name}s?{_IS}(?:\(?torch\.\w*[Tt]ensor\s*\(\s*)?{_LIST}", re.I))
    for name in ("pos_weight", "weight")
)
_REDUCTION = re.compile(rf"reduction{_IS}(sum|none|mean|batchmean)\b", re.I)
_SWITCH = re.compile(r"(?<![A-Za-z_])(zero_infinity|log_target|log_input|full|swap)\s*=\s*(True|False)")
_DATASETS = (
    (r"\bimage[\s-]?net(?:[\s-]?1k)?\b", 1000), (r"\bcifar[\s-]?100\b", 100), (r"\bcifar(?:[\s-]?10)?\b", 10),
    (r"\b(?:fashion[\s-]?)?mnist\b", 10), (r"\bgpt-?2\b", 50257), (r"\bllama-?2?\b(?!-?3)", 32000),
)  # fmt: skip
"""How many classes, or words, there are in what is trained on most."""

_CLASSES = re.compile(
    r"(?<!\d)(?<!\d\.)(\d{1,3},\d{3}|\d{1,6})[\s-]{0,4}(?:-?way\b|(?:discrete )?actions?\b|"
    r"class(?:es)?\b|classes\b|labels\b|clases|klassen|класс\w*|क्लास|वर्ग|クラス|"
    r"个?类|分类|개?\s*클래스|categories)|(?:num_classes|n_classes|(?<![A-Za-z])C|vocab(?:ulary)?(?:[\s_]size)?|"
    r"クラス数|类别?(?:总|的)?数(?:量|目)?|클래스\s*(?:수|개수)?)"
    rf"{_IS}(\d{{1,3}},\d{{3}}|\d{{1,6}})(?!\d|\.\d)",
    re.I,
)
_VOCABULARY = r"(?:vocab\w*|vokabular\w*|словар\w*|词表|词汇表?|詞表|語彙|어휘|단어장|शब्दावली)"
_WORDS_KNOWN = re.compile(
    rf"{_VOCABULARY}[^\d.!?\n]{{0,25}}(\d{{1,3}},\d{{3}}|\d{{2,6}})(?!\d|\.\d)|"
    rf"(?<!\d)(?<!\d\.)(\d{{1,3}},\d{{3}}|\d{{2,6}})[\s-]*[^\d.!?\n]{{0,20}}{_VOCABULARY}",
    re.I,
)
"""A vocabulary is as many classes as it has words: "a vocabulary of 32000 tokens", "32000 Tokens im Vokabular"."""


def stated(prose: str) -> tuple[Stated, ...]:
    """Arguments by torch's names, each once, as Python literals; and the number of classes."""
    found: dict[str, str] = {}
    for name, pattern in _SCALARS:
        if match := pattern.search(prose):
            found[name] = repr(float(match.group(1))) if name != "ignore_index" else match.group(1).split(".")[0]
    for name, pattern in _LISTS:
        if match := pattern.search(prose):
            found[name] = repr([float(entry) for entry in re.findall(r"[-+]?\d*\.?\d+", match.group(1))])
    if match := _REDUCTION.search(prose):
        found["reduction"] = repr(match.group(1).lower())
    found |= {match.group(1): match.group(2) for match in _SWITCH.finditer(prose)}
    known = next((count for name, count in _DATASETS if re.search(name, prose, re.I)), None)
    if known is not None:
        found[CLASSES] = str(known)
    if match := _CLASSES.search(prose) or _WORDS_KNOWN.search(prose):
        found[CLASSES] = str(int((match.group(1) or match.group(2)).replace(",", "")))
    return tuple(Stated(name, value) for name, value in found.items())


def classes_of(claim: Claim) -> int | None:
    """C where a printed number is ln C and its digits leave no other C open: 2.3026 is ln 10."""
    if not isinstance(claim.value, float) or not 0.5 < claim.value < _LARGEST:
        return None
    count = round(math.exp(claim.value))
    return count if abs(math.log(count) - claim.value) <= claim.radius < 0.1 / count else None
