"""What the asker states: printed values out of output and comments; printed, expected and behaviour out of prose."""

import bisect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from bot.reading.arithmetic import ARITHMETIC, RESULT, is_arithmetic, worked_out
from bot.reading.cues import (
    AFTER_EXPECTED,
    AFTER_PRINTED,
    ARGUMENT,
    ATTRIBUTED,
    BEFORE_EXPECTED,
    BEFORE_PRINTED,
    BEHAVIOURS,
    CONTRAST,
    FORMULA,
    GETS,
    LEAST,
    OF_THE_NEXT,
    OPERAND,
    OWN,
    PREPOSITION,
    UNIT,
    WISHED,
    ZERO,
)
from bot.reading.lexing import lexis
from bot.reading.losses import loss_mentions
from bot.reading.outputs import values_only
from bot.reading.pieces import Piece, Sort
from bot.reading.printed import NUMBER, Printed, as_claimed, number_at
from bot.reading.question import Claim, Span
from bot.reading.tensors import tensors
from bot.reading.text import Line, as_prose, blanked
from bot.reading.tracebacks import mentioned

MAX_CLAIMS = 64
MAX_NUMBERS = 512
REACH = 80
"""Characters before and after a number within which a word can say what it is."""

_DECIMAL_COMMA = re.compile(r"(?<![\d.,])(0,\d{3,}|\d,\d{4,})(?!\d|,\d)")
_OPEN = re.compile(r"(?<![A-Za-z0-9_.])(\d{1,6}\.\d{1,5})[xX]{1,5}(?![A-Za-z0-9_])")
_BRIDGE = re.compile(
    r"[\s'\"~≈`*_|]*(?:(?:about|around|approximately|roughly|always|exactly|only|just|a|the|like|me|環|"
    r"genau|exactamente|exactement|exatamente|ровно|ちょうど|正好|刚好|정확히|約|大约|大概|약|"
    r"etwa|environ|cerca de|около)"
    r"[\s~≈`*_|]*){0,3}",
    re.I,
)
_ASKED = re.compile(
    r"\s*(?:[?!]|\.?\s*$|why|how|warum|wieso|pourquoi|comment|por\s?qu[eéê]|почему|क्यों|है|为什么|为何|怎么|なぜ|どうして|왜)",
    re.I,
)
"""What follows a number that a question is about."""
_NAMED = re.compile(r"[\s:=*_`]*(?:(?:é|es|est|ist|is|vaut|da|d[áà])\s+)?")
"""Between the name of a loss and its number."""
_AND = re.compile(r"\s*(?:and|or|vs\.?|versus|,|/|&|y|und|et|e|と|和|и|그리고|और)\s*")
_REMARK = re.compile(
    r"#+\s*(?:(?:->|=>|=|→|>+)\s*|(?:prints?|gives?|returns?|outputs?|got|loss|result|"
    r"value)\b\s*[:=]?\s*)?(?P<said>.+)",
    re.I,
)
_ASIDE = re.compile(
    r"<-|[,;(]\s*(?=[A-Za-z])(?!nan|inf)|\s-\s|\s+(?=(?:but|vs|instead|while|expected|should|however|why|not)\b)", re.I
)


_SET = re.compile(r"(?<![\w.])([A-Za-z_]\w{0,40})\s*=\s*[-+]?\.?\d")
_SET_TO = re.compile(r"(?<![\w.])([A-Za-z_]\w{0,40})\s*(?:=|is|of)\s*[-+]?$")
_KEYWORD = re.compile(r"\b[A-Za-z_][\w.]{0,60}\((?:[^()=]{0,40}=[^()=]{0,40},)?\s*[A-Za-z_]\w{0,40}\s*=\s*[-+]?$")
_COLUMN = re.compile(r"([A-Za-z_][\w.\-]{0,40}(?: [A-Za-z_][\w.\-]{0,40}){0,3})[ \t]*[:=][ \t]*(?=[-+]?\.?\d)")
_OF_A_LOSS = re.compile(r"loss|nll|entropy|(?:^|[\s_])(?:kl|kld|ce|bce|mse|ppl|cost|error)(?:$|[\s_])|perplexity", re.I)
_COLUMNS = 3


def output_claims(found: Iterable[Piece], text: str) -> list[Claim]:
    """Printed claims of output lines, of values right of an arrow, and of comments behind code."""
    claims: list[Claim] = []
    for piece in found:
        claims += [_printed(value, text) for value in piece.outputs if value.complete]
        if piece.sort is Sort.CODE:
            lines = [line for line in piece.lines if not mentioned(line.text)]
            claims += [claim for line in lines for claim in _remarked(line.text, line.start, text)]
            claims += [claim for line in lines for claim in _hoped(line.text, line.start, text)]
            claims += _commented(lines, text)
    return claims


def _printed(value: Printed, text: str, kind: str = "printed") -> Claim:
    shown = text[value.start : value.end]
    span = Span(value.start, value.end)
    claimed = as_claimed(value.value)
    return Claim("expected" if kind == "expected" else "printed", claimed, value.radius, shown, span)


def _remarked(line: str, start: int, text: str) -> list[Claim]:
    """`# 0.5514`, `# tensor([...])`, `# 5.6390, 4.9593`, `# 127.66  <- should be the mean`; not `# 3 classes`."""
    comment = lexis(line).comment
    remark = _REMARK.match(line, comment) if comment is not None and line[:comment].strip() else None
    if not remark:
        return []
    said = _ASIDE.split(remark.group("said"), maxsplit=1)[0]
    values = values_only(said) or values_only(said.partition(",")[0]) or [v for v in tensors(said) if v.wrapped][:1]
    if not values or (all(v.integral for v in values) and not _shows(line[:comment])):
        return []
    return [_printed(_moved(value, start + remark.start("said")), text) for value in values]


def _commented(lines: Sequence[Line], text: str) -> Iterator[Claim]:
    """A tensor that a comment on a line of its own holds, below what shows one: `print(x)`, then `# tensor(0.5)`."""
    above = ""
    for line in lines:
        comment = lexis(line.text).comment
        if comment is None or line.text[:comment].strip():
            above = line.text if line.text.strip() else above
            continue
        values = [value for value in tensors(line.text[comment:]) if value.wrapped and value.complete]
        if len(values) == 1 and _shows(above) and not line.text[comment:].strip("# ").find("tensor"):
            yield _printed(_moved(values[0], line.start + comment), text)


def _hoped(line: str, start: int, text: str) -> list[Claim]:
    """What a comment expects: `# 0.5514, expected 0`."""
    comment = lexis(line).comment
    if comment is None or not BEFORE_EXPECTED.search(line, comment):
        return []
    around = " " * (start + comment) + as_prose(line[comment:])
    return [claim for claim in prose_claims(around, text) if claim.kind == "expected"]


def _shows(code: str) -> bool:
    return "print(" in code or ("=" not in code.partition("(")[0] and code.rstrip().endswith(")"))


def _moved(value: Printed, by: int) -> Printed:
    return Printed(value.value, value.radius, value.start + by, value.end + by, value.integral, value.complete)


def prose_claims(prose: str, text: str) -> list[Claim]:
    """Claims of the sentences. `prose` is the text with code and output blanked; offsets are the same."""
    lists = [value for value in tensors(prose) if value.complete]
    found = [*lists, *_numbers(blanked(prose, [(v.start, v.end) for v in lists]))]
    beside = _other_columns(prose)
    found = [value for value in found if not _is_within(value.start, beside)]
    claims: list[Claim] = []
    settings = _settings(prose, text)
    expected_in: set[int] = set()
    printed_to = -1
    for value in sorted(found, key=lambda v: v.start)[:MAX_NUMBERS]:
        sentence = _sentence_start(prose, value.start)
        kind = None if settings(value.start) else _kind(prose, value, sentence in expected_in)
        follows = printed_to >= 0 and _AND.fullmatch(prose, printed_to, value.start)
        if kind is None and follows and not UNIT.match(prose, value.end):
            kind = "printed"
        printed_to = value.end if kind == "printed" else -1
        if kind:
            claims.append(_printed(value, text, kind))
        if kind == "expected":
            expected_in.add(sentence)
    return claims


def _settings(prose: str, text: str) -> Callable[[int], bool]:
    """Whether the number at a place of the prose is what a parameter is set to: `q=0.9`, where the code sets a q to a
    number, too, or the keyword of a call, as in `Adam(weight_decay=0.01)`."""
    code = "".join(" " if known == shown else shown for known, shown in zip(prose, text, strict=False))
    named = {match[1] for match in _SET.finditer(code) if not _OF_A_LOSS.search(match[1])}

    def found(at: int) -> bool:
        before = prose[max(0, at - REACH) : at]
        name = _SET_TO.search(before)
        return _KEYWORD.search(before) is not None or (name is not None and name[1] in named)

    return found


def _numbers(prose: str) -> list[Printed]:
    """Every number of the prose; written arithmetic is what it comes to, unless that is written behind it."""
    terms = [match for match in ARITHMETIC.finditer(prose) if is_arithmetic(match.group())]
    spans = [match.span() for match in terms]
    results = ((worked_out(match.group()), match) for match in terms if not RESULT.match(prose, match.end()))
    made = [Printed(value, 0.0, *match.span(), False) for value, match in results if value is not None]
    return [*_plain_numbers(blanked(prose, spans)), *made]


def _plain_numbers(prose: str) -> list[Printed]:
    commas = {m.start(): m for m in _DECIMAL_COMMA.finditer(prose)}
    plain = (
        "".join("." if c == "," and _is_decimal(commas, at) else c for at, c in enumerate(prose)) if commas else prose
    )
    numbers = [number_at(plain, match) for match in NUMBER.finditer(plain)]
    numbers += [_open(match) for match in _OPEN.finditer(plain)]
    return [*numbers, *(Printed(0.0, 0.0, m.start(), m.end(), True) for m in ZERO.finditer(prose))]


def _open(match: re.Match[str]) -> Printed:
    """The middle of what a number with open digits can be: 4.8xx lies between 4.8 and 4.9."""
    half = 0.5 * 10.0 ** -len(match[1].partition(".")[2])
    return Printed(float(match[1]) + half, half, match.start(), match.end(), False)


def _is_decimal(commas: dict[int, re.Match[str]], at: int) -> bool:
    return any(match.start() < at < match.end() for match in (commas.get(at - 1), commas.get(at - 2)) if match)


def _sentence_start(prose: str, at: int) -> int:
    ends = [m.end() for m in re.finditer(r"[?!\n]|\.(?=\s|$)", prose[max(0, at - 4 * REACH) : at])]
    return max(0, at - 4 * REACH) + ends[-1] if ends else max(0, at - 4 * REACH)


def _kind(prose: str, value: Printed, told: bool) -> str | None:
    """Expected, printed, or neither, by the words in the clause; `told`: its sentence has said what it expects."""
    before, after = _clause_before(prose, value.start), _clause_after(prose, value.end)
    scalar = not isinstance(value.value, tuple)
    if ARGUMENT.search(before) or (scalar and (UNIT.match(after) or _is_operand(prose, value))):
        return None
    if LEAST.search(before) and not WISHED.search(before):
        return "printed"
    if PREPOSITION.search(before):
        return "printed" if GETS.search(before) else None
    if ATTRIBUTED.search(before):
        return "expected" if scalar else None
    if scalar and OWN.search(before) and not value.wrapped:
        return "expected"
    next_one = NUMBER.match(prose, value.end + len(after)) and OF_THE_NEXT.search(after)
    if not told and (BEFORE_EXPECTED.search(before) or (not next_one and AFTER_EXPECTED.search(after))):
        return "expected"
    if not scalar:
        return "printed" if _ends_in_cue(before) else None
    if formula := FORMULA.search(before):
        return "printed" if _ends_in_cue(before[: formula.start()]) else None
    if value.wrapped or _is_alone(prose, value) or _decimals(prose[value.start : value.end]) >= 3:
        return "printed"
    if value.value != value.value or abs(float(value.value)) == float("inf"):  # pyright: ignore[reportArgumentType]
        return "printed" if _ends_in_cue(before) else None
    is_cued = _ends_in_cue(before) or AFTER_PRINTED.match(after) is not None
    return "printed" if is_cued or _is_asked_of_a_loss(before, after) else None


def _is_asked_of_a_loss(before: str, after: str) -> bool:
    """Whether a number stands behind the name of a loss and ends what is said of it: "BCELoss 100 क्यों है?"."""
    names = loss_mentions(before)
    return bool(names) and bool(_NAMED.fullmatch(before, names[-1][1])) and bool(_ASKED.match(after))


def _is_within(at: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether a place is in one of the spans, which are in order."""
    k = bisect.bisect_right(spans, (at, sys.maxsize)) - 1
    return k >= 0 and at < spans[k][1]


def _other_columns(prose: str) -> list[tuple[int, int]]:
    """What is no loss in lines of a log that name their columns, one of them a loss: the spans around `loss: 0.5`."""
    spans: list[tuple[int, int]] = []
    start = 0
    for line in prose.splitlines(keepends=True):
        columns = list(_COLUMN.finditer(line))
        losses = [column for column in columns if _OF_A_LOSS.search(column[1])]
        if len(columns) >= _COLUMNS and losses:
            ends = [0, *(at for column in losses for at in (column.end(), column.end() + 1)), len(line)]
            spans += [(start + a, start + b) for a, b in zip(ends[::2], ends[1::2], strict=True)]
        start += len(line)
    return spans


def _is_operand(prose: str, value: Printed) -> bool:
    """Whether it is a term of arithmetic that is written out."""
    before, after = OPERAND
    return bool(before.search(prose, max(0, value.start - REACH), value.start) or after.match(prose, value.end))


def _is_alone(prose: str, value: Printed) -> bool:
    """Whether its line holds nothing else than signs: "-0.8 ??" under some code."""
    start, end = prose.rfind("\n", 0, value.start) + 1, prose.find("\n", value.end)
    line = prose[start : value.start] + prose[value.end : end if end >= 0 else len(prose)]
    return "\n" in prose and not value.integral and not any(c.isalnum() for c in line)


def _ends_in_cue(before: str) -> bool:
    cues = [*BEFORE_PRINTED.finditer(before)]
    return bool(cues) and bool(_BRIDGE.fullmatch(before, cues[-1].end()))


def _decimals(number: str) -> int:
    return max(len(number.partition(sign)[2].rstrip("eE-+")) for sign in ".,") if "." in number or "," in number else 0


def _clause_before(prose: str, at: int) -> str:
    window = prose[max(0, at - REACH) : at]
    cuts = [match.end() for match in CONTRAST.finditer(window)]
    return window[cuts[-1] :] if cuts else window


def _clause_after(prose: str, at: int) -> str:
    window = prose[at : at + REACH]
    cuts = [m.start() for m in (CONTRAST.search(window), NUMBER.search(window)) if m]
    return window[: min(cuts)] if cuts else window


def behaviour_claims(prose: str) -> list[Claim]:
    """The first mention of each behaviour."""
    found: list[Claim] = []
    for word, pattern in BEHAVIOURS:
        if match := pattern.search(prose):
            found.append(Claim("behaviour", word, 0.0, match.group(), Span(*match.span())))
    return found


def distinct(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Claims without repetition: the same kind and the same value within the printed digits."""
    kept: list[Claim] = []
    for claim in claims:
        if len(kept) < MAX_CLAIMS and not any(_same(claim, other) for other in kept):
            kept.append(claim)
    return tuple(kept)


def _same(a: Claim, b: Claim) -> bool:
    if a.kind != b.kind:
        return False
    if isinstance(a.value, float) and isinstance(b.value, float):
        return abs(a.value - b.value) <= max(a.radius, b.radius)
    return a.value == b.value


def plain_prose(text: str, spans: list[tuple[int, int]]) -> str:
    """The text as prose with the spans blanked."""
    return as_prose(blanked(text, spans))
