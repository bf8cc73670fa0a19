"""What of a message there is to compute: programs, code in sentences, numbers with their roles, arrays in files."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from bot.reading.arguments import ELEMENTWISE
from bot.reading.calls import Lack, Written, written
from bot.reading.columns import columns
from bot.reading.files import Document
from bot.reading.fills import fills
from bot.reading.frameworks import apart, names_another, numpy_alone, translated
from bot.reading.given import Given, filled, values_given
from bot.reading.imported import with_modules
from bot.reading.inline import Inline, calls_of, inline_code, programs
from bot.reading.lexing import parsed
from bot.reading.literals import Role, literals
from bot.reading.loads import with_values
from bot.reading.losses import loss_words
from bot.reading.names import unbound
from bot.reading.pieces import Piece
from bot.reading.printed import shape
from bot.reading.question import Claim, Completion, Origin, ReportedError, Snippet
from bot.reading.repairs import unreturned
from bot.reading.shapes import stand_ins
from bot.reading.snippets import (
    Block,
    defined,
    is_data,
    is_shown,
    lacked,
    merged,
    missing_names,
    names_loss,
    shows_names,
    snippet,
)
from bot.reading.statements import bound_names
from bot.reading.tabled import called
from bot.reading.text import as_prose, with_points

_ANY = (4,)
"""A shape for tensors of one number, whose mean is the same for each."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A document taken apart. `prose` has code and output blanked; `speech` the fences, too.

    `errors` are those that its sentences name, then those of its tracebacks; the last one is what is asked about.
    """

    document: Document
    blocks: tuple[Block, ...]
    prose: str
    speech: str
    claims: tuple[Claim, ...]
    errors: tuple[ReportedError, ...]
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to compute: snippets, and the spans of the prose that became part of them."""

    snippets: tuple[Snippet, ...]
    spans: tuple[tuple[int, int], ...] = ()
    lacks: Lack | None = None


def material_of(parts: Sequence[Parts], losses: Sequence[str], commas: bool = False) -> Material:
    """Programs if there are any, else code in sentences, else literals written out, else the data there is.

    `commas`: in the message's language 0,5 is a number.
    """
    loaded = {part.document.name: part.document.loaded for part in parts if part.document.name and part.document.loaded}
    found = with_modules([with_values(each, loaded) for part in parts for each in _snippets(part)])
    found = _with_given(found, parts)
    message = parts[0]
    if (table := _table_called(message, losses, commas)) and _is_of_table(found, message.document.text, table):
        return table
    if any(not is_data(each.source) and not shows_names(each.source) for each in found):
        return Material((*found, *_beside(found, message)))
    if table is not None:
        return table
    if any(not is_data(each.source) for each in found):
        called_beside = _sentences(message, [], loaded, parts)
        return Material(tuple(each for each in called_beside if not lacked(each)) or tuple(found))
    losses = (*losses, *(loss for each in found for loss in loss_words(each.source) if loss not in losses))
    held = frozenset(name for each in found for name in bound_names(each.source))
    inline = tuple(each for each in inline_code(message.prose) if not bound_names(each.source) & held)
    spans = tuple((each.start, each.end) for each in inline)
    sentences = _sentences(message, found, loaded, parts, held)
    if whole := tuple(each for each in sentences if not lacked(each)):
        return Material(whole, spans)
    text = as_prose(message.document.text)
    literal = written(with_points(text) if commas else text, losses)
    if literal and literal.snippets:
        return Material(literal.snippets, (*literal.spans, *spans))
    if sentences:
        return Material(tuple(sentences), spans)
    if called := _files_called(parts, losses):
        return Material((called,), spans)
    return Material(tuple(found), *_unwritten(literal, spans))


def _sentences(
    message: Parts,
    found: Sequence[Snippet],
    loaded: Mapping[str, str],
    parts: Sequence[Parts],
    held: frozenset[str] = frozenset(),
) -> list[Snippet]:
    """The programs in the sentences, behind the blocks of data that they need, with the values that are shown."""
    inline = tuple(each for each in inline_code(message.prose) if not bound_names(each.source) & held)
    blocks = [_after_data(_block(message.document.text, program), found) for program in programs(inline)]
    made = [with_values(_with_tensors(each), loaded) for block in blocks for each in _in_torch(block)]
    return _with_given(made, parts)


def _beside(found: Sequence[Snippet], message: Parts) -> tuple[Snippet, ...]:
    """Code in the sentences that runs: beside a program of another framework, or where no program can be run."""
    if not all(missing_names(each.source) or any(c.what == "framework" for c in each.completions) for each in found):
        return ()
    written = (snippet(_block(message.document.text, program)) for program in programs(inline_code(message.prose)))
    return tuple(each for each in written if not lacked(each))


def _after_data(block: Block, found: Sequence[Snippet]) -> Block:
    """Code of a sentence behind the blocks of data whose names it needs."""
    needed = frozenset(unbound(block.text))
    data = [each for each in found if bound_names(each.source) & needed]
    lines = [line for each in data for line in each.source.split("\n")]
    numbers = [number for each in data for number in each.line_map]
    return Block((*lines, *block.source), (*numbers, *block.line_map), block.origin, block.repairs)


def _with_tensors(found: Snippet) -> Snippet:
    """Lists that a sentence gives as arguments of a loss, as the tensors that they stand for: "pred = [[2.0, 1.0]]"."""
    tree = parsed(found.source)
    if tree is None:
        return found
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and names_loss(ast.unparse(node))]
    names = {arg.id for call in calls for arg in call.args if isinstance(arg, ast.Name)}
    lists = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List) and bound_names(ast.unparse(node)) & names
    ]
    lines = found.source.split("\n")
    for node in lists:
        rest = [""] * ((node.end_lineno or node.lineno) - node.lineno)
        made = f"{ast.unparse(node.targets[0])} = torch.tensor({ast.unparse(node.value)})"
        lines[node.lineno - 1 : node.end_lineno] = [made, *rest]
    given = tuple(Completion("given", ast.unparse(node.targets[0]), lines[node.lineno - 1]) for node in lists)
    return msgspec.structs.replace(found, source="\n".join(lines), completions=(*found.completions, *given))


def _table_called(message: Parts, losses: Sequence[str], commas: bool) -> Material | None:
    """The loss that is named, of the columns of a table in the message."""
    text = as_prose(message.document.text)
    table = columns(with_points(text) if commas else text)
    found = called(table.named, losses, message.prose) if table else None
    if table is None or found is None or not found.named:
        return None
    block = snippet(Block((found.call,), (1,), Origin.LITERAL, (Completion("call", found.loss, found.call),)))
    return Material((_filled(block, {name: Given(table.named[name]) for name in found.names}),), (table.span,))


def _is_of_table(found: Sequence[Snippet], text: str, table: Material) -> bool:
    """Whether all that was taken for code are lines of the table."""
    lines = [range(text.count("\n", 0, start) + 1, text.count("\n", 0, end) + 2) for start, end in table.spans]
    return all(number in lines[0] for each in found for number in each.line_map)


def _files_called(parts: Sequence[Parts], losses: Sequence[str]) -> Snippet | None:
    """The loss that is named, of the arrays in files."""
    values = {name: given for part in parts for name, given in _of_file(part).items()}
    values = {**_target_said(parts[0].prose), **values} if values else {}
    found = called({name: given.code for name, given in values.items()}, losses, parts[0].prose) if values else None
    if found is None:
        return None
    assumed = () if found.named else (Completion("loss", found.loss, f"F.{found.loss}"),)
    added = (*assumed, Completion("call", found.loss, found.call))
    block = snippet(Block((found.call,), (1,), Origin.FILE, added))
    return _filled(block, {name: values[name] for name in found.names})


def _target_said(prose: str) -> dict[str, Given]:
    """A target that the sentences give, for what a file holds alone."""
    rows = [
        [int(entry) if each.integral else entry for entry in each.value]
        for each in literals(prose)
        if each.role is Role.TARGET and isinstance(each.value, tuple) and len(shape(each.value) or ()) == 1
    ]
    return {"target": Given(f"target = torch.tensor({rows[0]})")} if len(rows) == 1 else {}


def _unwritten(
    literal: Written | None, spans: tuple[tuple[int, int], ...]
) -> tuple[tuple[tuple[int, int], ...], Lack | None]:
    return ((*literal.spans, *spans), literal.lacks) if literal else (spans, None)


def _snippets(part: Parts) -> list[Snippet]:
    name = part.document.name
    found = [each for block in merged([*part.blocks, *_called(part)]) for each in _in_torch(block)]
    return [msgspec.structs.replace(s, file=name, origin=Origin.FILE) for s in found] if name is not None else found


def _with_given(found: Sequence[Snippet], parts: Sequence[Parts]) -> list[Snippet]:
    """The snippets with what the message or its files show for names that they lack."""
    if not any(missing_names(each.source) or _are_usual(each) for each in found):
        return list(found)
    given: dict[str, Given] = {}
    for part in parts:
        given = {**values_given(part.pieces, part.document.text, part.document.name), **_of_file(part), **given}
    text = "\n".join(part.document.text for part in parts)
    return [_filled(each, {**given, **_made_up(each.source, text, given)}) for each in found]


def _are_usual(found: Snippet) -> bool:
    """Whether a name got its usual value, which the message may give otherwise."""
    return any(each.what == "name" for each in found.completions)


def _made_up(source: str, text: str, given: Mapping[str, Given]) -> dict[str, Given]:
    """Stand-ins for names without a value; "[32, 10]" that is a shape was no value. What is said to be full of one
    number is that, of any shape where the loss goes element by element."""
    made = stand_ins(source, text)
    shapes = {name: shape for name, (shape, _) in made.items()}
    said = fills(text, missing_names(source))
    other = next(iter(shapes.values()), _ANY)
    anywhere = any(loss in ELEMENTWISE for loss in loss_words(source))
    filled = {
        name: Given(f"{name} = torch.full({shapes.get(name, other)}, {value})")
        for name, value in said.items()
        if name in shapes or (anywhere and set(said) >= set(missing_names(source)) - set(given))
    }
    stood = {
        name: Given(code)
        for name, (shape, code) in made.items()
        if name not in given or str(list(shape)) in given[name].code
    }
    return {**stood, **filled}


def _of_file(part: Parts) -> dict[str, Given]:
    return {name: Given(code, part.document.name or "") for name, code in part.document.values.items()}


def _filled(found: Snippet, given: Mapping[str, Given]) -> Snippet:
    source, completions = filled(found.source, given)
    shown = {each.name for each in completions}
    usual = tuple(each for each in found.completions if each.what != "name" or each.name not in shown)
    return msgspec.structs.replace(found, source=source, completions=(*usual, *completions))


def _in_torch(block: Block) -> list[Snippet]:
    """The block as it stands, or one of another framework in torch, and beside it torch's own loss of the same."""
    if both := apart(block.text):
        ours, theirs = (
            Block(tuple(each.source.split("\n")), tuple(block.line_map[at] for at in each.lines), block.origin,
                  block.repairs)
            for each in both
        )  # fmt: skip
        return [snippet(block)] if missing_names(ours.text) else [snippet(ours), *_translated(theirs)[:1]]
    found = [] if numpy_alone(block.text) else _translated(block)  # what runs in numpy is followed as it stands
    return found or [snippet(block)]


def _translated(block: Block) -> list[Snippet]:
    """Programs of torch for one of another framework; [] where a part of it is not known, or nothing is to do.

    What a formula of another framework lacks is given or made up as for one of torch; numpy's own runs as it stands.
    """
    found = translated(block.text)
    if found is None or (missing_names(found.source) and not names_another(block.text)):
        return []
    own = [(found.torch, found.torch_lines)] if found.torch else []
    name = found.losses[0] if found.losses else "numpy"
    return [
        snippet(
            Block(
                tuple(source.split("\n")),
                tuple(block.line_map[line - 1] for line in lines),
                block.origin,
                (*block.repairs, Completion("framework", name, source.rpartition("\n")[2])),
            )
        )
        for source, lines in ((found.source, found.line_map), *own)
    ]


def _called(part: Parts) -> list[Block]:
    """The first call in the prose of a function that the code only defines."""
    names = {name for block in part.blocks if not is_shown(block.text) for name in defined(block.text)}
    calls = calls_of(names, part.prose)[:1]
    return [_block(part.document.text, calls)] if calls else []


def _block(text: str, program: Sequence[Inline]) -> Block:
    """The program that stands in sentences, with the line of the message that each of its lines came from."""
    starts = [text.count("\n", 0, each.start) + 1 for each in program]
    lines = [start + at for each, start in zip(program, starts, strict=True) for at in range(_height(each.source))]
    source, repairs = "\n".join(each.source for each in program), tuple[Completion, ...]()
    if body := unreturned(source):
        source, repairs = body
    return Block(tuple(source.split("\n")), tuple(lines), Origin.UNFENCED, repairs)


def _height(source: str) -> int:
    return source.count("\n") + 1
