"""What is almost Python → Python, only where it does not parse otherwise; each repair is said."""

import ast
import re
import unicodedata

from bot.reading.lexing import Lexis, lexis, parsed
from bot.reading.question import Completion

_SIGNS = {
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "′": "'", "´": "'",
    "\xa0": " ", "\u3000": " ", "\u202f": " ", "\u2009": " ", "\u200b": "", "\u200c": "", "\u200d": "", "\ufeff": "",
    "\u2060": "", "≤": "<=", "≥": ">=", "≠": "!=", "×": "*", "÷": "/", "·": "*", "−": "-", "–": "-", "—": "-",
    "、": ",", "。": ".", "【": "[", "】": "]", "「": '"', "」": '"', "…": "...", "²": "**2", "³": "**3",
}  # fmt: skip
_TABLE = str.maketrans(_SIGNS | {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0xFF01, 0xFF5F)})
_PRINT = re.compile(r"^(\s*)print[ \t]+(?![=(])(.+)$", re.M)
_NEXT = re.compile(r",\s")
_MAKERS = re.compile(r"\b(?:tensor|as_tensor|from_numpy|array|(?:Float|Long|Double)Tensor)$")
_PAIRS = {"(": ")", "[": "]", "{": "}"}

Repair = tuple[str, tuple[Completion, ...]]


def repaired(source: str) -> Repair | None:
    """The least repaired source that parses, or None; repairs are tried one after the other and add up."""
    done: tuple[Completion, ...] = ()
    for repair in (_tabs, _signs, _print, _indent, _quotes, _inner, _of_one, _brackets):
        changed = repair(source)
        if not changed:
            continue
        source, done = changed[0], (*done, *changed[1])
        if parsed(source):
            return source, done
    return None


def _signs(source: str) -> Repair | None:
    lines = [_plain(line) for line in source.split("\n")]
    changed = [(old, new) for old, new in zip(source.split("\n"), lines, strict=True) if old != new]
    if not changed:
        return None
    signs = sorted(
        {c for old, _ in changed for c in old[: lexis(old).comment] if c in _SIGNS or "\uff00" < c < "\uff5f"}
    )
    return "\n".join(lines), (Completion("character", "".join(signs), changed[0][1].strip()),)


def _plain(line: str) -> str:
    comment = lexis(line).comment
    return line.translate(_TABLE) if comment is None else line[:comment].translate(_TABLE) + line[comment:]


def _tabs(source: str) -> Repair | None:
    if "\t" not in source:
        return None
    for width in (4, 8):
        expanded = source.expandtabs(width)
        if parsed(expanded):
            return expanded, (Completion("tab", "tab", expanded.strip().split("\n")[0]),)
    return None


def _print(source: str) -> Repair | None:
    called = _PRINT.sub(r"\1print(\2)", source)
    return None if called == source else (called, (Completion("print", "print", _first_change(source, called)),))


def _indent(source: str) -> Repair | None:
    """Flush first line, the rest indented alike: what selecting from the middle of a line leaves."""
    first, _, rest = source.partition("\n")
    margins = [len(line) - len(line.lstrip()) for line in rest.split("\n") if line.strip()]
    if first[:1].isspace() or not margins or min(margins) == 0 or first.rstrip().endswith(":"):
        return None
    moved = "\n".join([first, *(line[min(margins) :] for line in rest.split("\n"))])
    return (moved, (Completion("indent", "indent", first),)) if parsed(moved) else None


def _quotes(source: str) -> Repair | None:
    """Close a string that its line leaves open: before the brackets that close at its end, or at its end."""
    lines = source.split("\n")
    for at, line in enumerate(lines):
        quote = lexis(line).quote
        if len(quote) == 1:
            body = line.rstrip(")] ")
            lines[at] = body + quote + line.rstrip()[len(body) :]
    closed = "\n".join(lines)
    return None if closed == source else (closed, (Completion("quote", "quote", _first_change(source, closed)),))


def _inner(source: str) -> Repair | None:
    """Close a bracket inside of another one that is closed before it: "tensor([[1., 2.])"."""
    open_: list[str] = []
    mended: list[str] = []
    quote, comment = "", False
    for sign in source:
        comment = (comment or (sign == "#" and not quote)) and sign != "\n"
        if comment:
            pass
        elif quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign in _PAIRS:
            open_.append(_PAIRS[sign])
        elif sign in _PAIRS.values():
            while len(open_) > 1 and open_[-1] != sign and sign in open_:
                mended.append(open_.pop())
            if open_[-1:] == [sign]:
                open_.pop()
        mended.append(sign)
    closed = "".join(mended)
    return None if closed == source else (closed, (Completion("parenthesis", "]", _first_change(source, closed)),))


def _of_one(source: str) -> Repair | None:
    """Close a call that takes one argument before the comma behind it: "tensor([[1., 2.]], tensor([0])"."""
    state = Lexis()
    for line in source.split("\n"):
        state = lexis(line, state)
    if not state.closers or set(state.closers) != {")"} or state.surplus:
        return None
    head, comment = _without_comment(source)
    at_its_end = parsed(f"{head.rstrip()}{state.closers}")
    if at_its_end is None or not any(map(_takes_more, ast.walk(at_its_end))):
        return None
    for at in (match.start() for match in _NEXT.finditer(head)):
        closed = f"{head[:at]}){head[at:].rstrip()}{state.closers[1:]}{comment}"
        if (tree := parsed(closed)) is not None and not any(map(_takes_more, ast.walk(tree))):
            return closed, (Completion("parenthesis", ")", _first_change(source, closed)),)
    return None


def _takes_more(node: ast.AST) -> bool:
    """Whether a call of what makes a tensor of one argument is given several."""
    return isinstance(node, ast.Call) and bool(_MAKERS.search(ast.unparse(node.func))) and len(node.args) > 1


def _brackets(source: str) -> Repair | None:
    """Close what a statement leaves open at its end, or drop a closing bracket too many at its end."""
    state = Lexis()
    for line in source.split("\n"):
        state = lexis(line, state)
    head, comment = _without_comment(source)
    if state.surplus and not state.closers and head.rstrip().endswith((")", "]", "}")):
        mended = head.rstrip()[: -state.surplus] + comment
    elif state.closers and not state.surplus:
        mended = head.rstrip() + state.closers + comment
    else:
        return None
    return mended, (Completion("parenthesis", state.closers or ")", mended.strip().split("\n")[-1]),)


def _without_comment(source: str) -> tuple[str, str]:
    before, newline, last = source.rpartition("\n")
    comment = lexis(last).comment
    return (source, "") if comment is None else (before + newline + last[:comment].rstrip(), "  " + last[comment:])


def unreturned(source: str) -> Repair | None:
    """The body of a function that was pasted without its head: what it returns is what it shows."""
    tree = parsed(source)
    returns = [node for node in tree.body if isinstance(node, ast.Return) and node.value] if tree else []
    if not returns:
        return None
    lines = source.split("\n")
    for node in returns:
        lines[node.lineno - 1] = re.sub(r"\breturn\b\s*", "", lines[node.lineno - 1], count=1)
    mended = "\n".join(lines)
    return (mended, (Completion("return", "return", lines[returns[0].lineno - 1]),)) if parsed(mended) else None


def _first_change(old: str, new: str) -> str:
    pairs = zip(old.split("\n"), new.split("\n"), strict=True)
    return next((after.strip() for before, after in pairs if before != after), "")
