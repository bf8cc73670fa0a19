"""What a message says that the right class is given: "0.9 for the right class", which -log p makes a loss of."""

import re

from bot.reading.literals import Literal, Role
from bot.reading.text import as_prose

_SURE = (
    r"(?:(?:the |my |its )?(?:right|correct|true|actual|gold|target|positive) (?:class|label|answer|word|token|one)|"
    r"正解(?:クラス|ラベル|の?単語)|正しいクラス|(?:正确|真实|目标|正)(?:的)?(?:类别?|标签)|"
    r"정답\s*(?:클래스|레이블|라벨)|올바른 클래스|"
    r"(?:la )?clase (?:correcta|verdadera|real)|(?:la )?(?:bonne|vraie) classe|(?:la )?classe correcte|"
    r"(?:die |der )?richtige[nr]? Klasse|"
    r"(?:a )?classe (?:correta|verdadeira)|(?:правильн|верн|истинн)\w+ класс\w*|"
    r"सही (?:क्लास|वर्ग|लेबल))"
)
_PROBABILITY = r"(?<![A-Za-z0-9_.])(?P<p>0?\.\d{1,8}|1\.0|\d{1,2}(?:\.\d{1,4})?\s?%)(?![A-Za-z0-9_]|\.\d)"
_GAP = r"[^\n\d.!?;]{0,40}"
_OF_RIGHT = re.compile(rf"{_PROBABILITY}{_GAP}{_SURE}|{_SURE}{_GAP}{_PROBABILITY.replace('?P<p>', '?P<q>')}", re.I)
_NO_LOSS = re.compile(r"loss|entropy|損失|损失|손실|verlust|perte|p[ée]rdida|perda|потер", re.I)


def of_right_class(prose: str) -> Literal | None:
    """The probability that the right class is said to have, as an input; percents as parts of 1."""
    found = _OF_RIGHT.search(as_prose(prose))
    if found is None or _NO_LOSS.search(found.group()):
        return None
    group = "p" if found["p"] else "q"
    number = found[group].rstrip("% ")
    value = float(number) / (100 if found[group].endswith("%") else 1)
    return Literal(Role.INPUT, value, False, found.start(group), found.end(group))
