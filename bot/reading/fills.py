"""What the message says that a whole tensor is: "pred is all zeros", "a target of ones", "tensors of 0.1's"."""

import re
from collections.abc import Iterable

_NUMBER = r"[-+]?(?:\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})"
_ZEROS = r"zeros?|ゼロ|ceros?|z[ée]ros?|nullen|нул\w+|零"
_ONES = r"ones|unos|einsen|uns|единиц\w*"
_ALL = (
    r"(?:(?:all|full of|filled with|only|just|nothing but|a tensor of|tensors of|made of|全部|すべて|全て|全是|都是|"
    r"todo|toda|todos|tout|alle|lauter|все|모두|모든)\s*)+"
)
_FILL = rf"{_ALL}(?:(?P<zero>{_ZEROS})|(?P<one>{_ONES})|(?P<number>{_NUMBER})(?:['’]?s)?)(?![\w.])"
_IS = r"[`'\"]?\s*(?:tensor)?\s*(?:is|are|was|were|=|:|being|は|が|是|es|est|ist|sind|é)?\s*"
_TOO = re.compile(
    r"[\s,]*(?:and|und|y|et|e|と|和|и)\s+(?:the |my )?`?(?P<name>[A-Za-z_]\w*)`?\s*(?:too|as well|also|auch|也|も)",
    re.I,
)


def fills(text: str, names: Iterable[str]) -> dict[str, float]:
    """The one number that each of these names is said to be full of."""
    found: dict[str, float] = {}
    known = tuple(names)
    for name in known:
        match = re.search(rf"(?<![\w.]){re.escape(name)}{_IS}{_FILL}", text, re.I)
        if match is None:
            continue
        found[name] = _value(match)
        also = _TOO.match(text, match.end())
        if also is not None and also["name"] in known:
            found.setdefault(also["name"], found[name])
    return found


def _value(match: re.Match[str]) -> float:
    if match["number"] is not None:
        return float(match["number"])
    return 0.0 if match["zero"] else 1.0
