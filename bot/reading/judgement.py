"""The parts of a message → one Reading: which code is meant, what is claimed, and whether it is for us."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bot.reading import relevance
from bot.reading.calls import Lack, Written, written
from bot.reading.claims import behaviour_claims, distinct, prose_claims
from bot.reading.files import Document
from bot.reading.frameworks import foreign_losses, translated
from bot.reading.inline import Inline, calls_of, inline_code, programs
from bot.reading.language import language_of
from bot.reading.losses import loss_mentions, loss_words
from bot.reading.question import (
    Claim,
    Completion,
    Kind,
    NeedsInput,
    NotAQuestion,
    Origin,
    Question,
    Reading,
    ReportedError,
    Snippet,
    Stated,
)
from bot.reading.snippets import (
    Block,
    defined,
    is_data,
    is_losing,
    is_shown,
    merged,
    missing_names,
    names_loss,
    snippet,
    subject_of,
)
from bot.reading.stated import CLASSES, classes_of, stated
from bot.reading.text import as_prose, blanked
from bot.reading.topics import topics_of
from bot.reading.vocabulary import LN_CLASSES

_TAKEN = "\ufffc"
"""Stands for an argument in the prose, so that "target 0: 3 ..." does not read as "target: 3"."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A document taken apart. `prose` has code and output blanked; `speech` the fences, too."""

    document: Document
    blocks: tuple[Block, ...]
    prose: str
    speech: str
    claims: tuple[Claim, ...]
    error: ReportedError | None


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to compute: snippets, and the spans of the prose that became part of them."""

    snippets: tuple[Snippet, ...]
    spans: tuple[tuple[int, int], ...] = ()
    lacks: Lack | None = None


def judged(parts: Sequence[Parts], left_out: tuple[str, ...], direct: bool) -> Reading:
    """The Reading of a message (the first of the parts) and its attachments."""
    message = parts[0]
    if not any(part.document.text.strip() for part in parts) and not left_out:
        return NotAQuestion("empty")
    language = language_of(message.speech)
    prose = "\n".join([message.prose, *(part.prose for part in parts[1:])])
    error = next((part.error for part in parts if part.error), None)
    printed = " ".join(claim.text for part in parts for claim in part.claims)
    losses = loss_words(f"{prose}\n{error.message if error else ''}\n{printed}")
    material = _material(parts, losses)
    claims = _claims(parts, material.spans)
    sources = [each.source for each in material.snippets]
    if sources and all(relevance.other_framework(source) for source in sources) and not relevance.names_torch(prose):
        return NotAQuestion("other-framework", language)
    if not _is_ours(material, claims, prose, error, direct):
        return NotAQuestion(relevance.reason(prose, sources), language)
    if material.lacks and not any(claim.kind == "printed" for claim in claims):
        return NeedsInput((material.lacks,), material.lacks, language)
    if lacking := _lacking(material, claims, losses, error):
        return NeedsInput(lacking, "code", language)
    subject = subject_of(material.snippets)
    missing = () if subject is None else missing_names(material.snippets[subject].source)
    kind = _kind(material, subject, claims, error)
    text = message.document.text
    topics, arguments, code = (), (), "\n".join(block.text for part in parts for block in part.blocks)
    if subject is None or missing:
        code = "" if subject is None else material.snippets[subject].source
        losses = tuple(dict.fromkeys((*losses, *loss_words(code))))
        topics, arguments = _situation(f"{message.prose}\n{code}", claims)
    return Question(
        text,
        language,
        material.snippets,
        subject,
        claims,
        losses,
        missing,
        kind,
        error,
        left_out,
        topics,
        arguments,
        foreign_losses(f"{prose}\n{code}"),
    )


def _situation(prose: str, claims: Sequence[Claim]) -> tuple[tuple[str, ...], tuple[Stated, ...]]:
    """What the words are about, and the arguments that they name or that a printed number gives away."""
    topics, found = topics_of(prose), {each.name: each for each in stated(prose)}
    counts = [count for claim in claims if claim.kind == "printed" and (count := classes_of(claim))]
    if counts:
        topics |= {LN_CLASSES}
        found.setdefault(CLASSES, Stated(CLASSES, str(counts[0])))
    return tuple(sorted(topics)), tuple(found.values())


def _material(parts: Sequence[Parts], losses: Sequence[str]) -> Material:
    """Programs if there are any, else code in sentences, else literals written out, else the data there is."""
    found = [each for part in parts for each in _snippets(part)]
    if any(not is_data(each.source) for each in found):
        return Material(tuple(found))
    message = parts[0]
    inline = inline_code(message.prose)
    spans = tuple((each.start, each.end) for each in inline)
    sentences = [snippet(_block(message.document.text, program)) for program in programs(inline)]
    if whole := tuple(each for each in sentences if not missing_names(each.source)):
        return Material(whole, spans)
    literal = written(as_prose(message.document.text), losses)
    if literal and literal.snippets:
        return Material(literal.snippets, (*literal.spans, *spans))
    if sentences:
        return Material(tuple(sentences), spans)
    return Material(tuple(found), *_unwritten(literal, spans))


def _unwritten(
    literal: Written | None, spans: tuple[tuple[int, int], ...]
) -> tuple[tuple[tuple[int, int], ...], Lack | None]:
    return ((*literal.spans, *spans), literal.lacks) if literal else (spans, None)


def _snippets(part: Parts) -> list[Snippet]:
    name = part.document.name
    found = [each for block in merged([*part.blocks, *_called(part)]) for each in _in_torch(block)]
    return [msgspec.structs.replace(s, file=name, origin=Origin.FILE) for s in found] if name is not None else found


def _in_torch(block: Block) -> list[Snippet]:
    """The block as it stands, or one of another framework in torch, and beside it torch's own loss of the same."""
    found = translated(block.text)
    if found is None or missing_names(found.source):
        return [snippet(block)]
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
    source = "\n".join(each.source for each in program)
    return Block(tuple(source.split("\n")), tuple(lines), Origin.UNFENCED)


def _height(source: str) -> int:
    return source.count("\n") + 1


def _claims(parts: Sequence[Parts], spans: Sequence[tuple[int, int]]) -> tuple[Claim, ...]:
    """Of output first, then of prose, then behaviours; what is an argument of the snippet is no claim."""
    found: list[Claim] = []
    for at, part in enumerate(parts):
        used = spans if at == 0 else ()
        printed = [claim for claim in part.claims if not _is_within(claim, used)]
        prose = blanked(part.prose, list(used), fill=_TAKEN)
        told = [*printed, *prose_claims(prose, part.document.text), *behaviour_claims(prose)]
        found += told if part.document.name is None else [msgspec.structs.replace(c, span=None) for c in told]
    return distinct(found)


def _is_within(claim: Claim, spans: Sequence[tuple[int, int]]) -> bool:
    span = claim.span
    return span is not None and any(start <= span.start < end for start, end in spans)


def _is_ours(
    material: Material, claims: Sequence[Claim], prose: str, error: ReportedError | None, direct: bool
) -> bool:
    losing = any(is_losing(each) for each in material.snippets)
    told = bool(claims) or error is not None
    if losing and (direct or told or relevance.could_mean_loss(prose)):
        return True
    if _names_a_loss(prose, bool(material.spans)) or (error and relevance.is_about_tensors(error)):
        return True
    if relevance.speaks_of_loss(prose) and (told or direct):
        return True
    torch = any(relevance.uses_torch(each.source) for each in material.snippets)
    behaves = any(claim.kind == "behaviour" for claim in claims)
    given = material.lacks is not None and relevance.speaks_of_learning(prose)
    return (relevance.mentions_loss(prose) and (direct or behaves or torch)) or (direct and (torch or given))


def _names_a_loss(prose: str, given: bool) -> bool:
    """A full name is enough; short ones (CE, KL) mean other things among other words, unless values are given."""
    names = [prose[start:end] for start, end, _ in loss_mentions(prose)]
    return any(not relevance.is_ambiguous(name) for name in names) or (
        bool(names) and (given or relevance.speaks_of_learning(prose) or relevance.mentions_loss(prose))
    )


def _lacking(
    material: Material, claims: Sequence[Claim], losses: Sequence[str], error: ReportedError | None
) -> tuple[str, ...]:
    """What must be asked for: only where neither code, nor a claim, nor a loss by name gives anything to answer."""
    if losses or claims or error:
        return ()
    subject = subject_of(material.snippets)
    if subject is None:
        return ("code",)
    source = material.snippets[subject].source
    return () if names_loss(source) else missing_names(source)


def _kind(material: Material, subject: int | None, claims: Sequence[Claim], error: ReportedError | None) -> Kind:
    if subject is not None:
        return Kind.LITERAL if material.snippets[subject].origin is Origin.LITERAL else Kind.PROGRAM
    if error:
        return Kind.ERROR
    return Kind.NUMBER if any(claim.kind == "printed" for claim in claims) else Kind.WORDS
