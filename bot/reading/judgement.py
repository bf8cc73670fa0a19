"""The parts of a message → one Reading: which code is meant, what is claimed, and whether it is for us."""

import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from bot.reading import relevance
from bot.reading.claimed import claimed, unused
from bot.reading.files import is_picture
from bot.reading.frameworks import foreign_losses
from bot.reading.given import elided, names_cut
from bot.reading.language import DECIMAL_COMMA, language_of
from bot.reading.lexing import lexis
from bot.reading.losses import loss_words
from bot.reading.material import Material, Parts, material_of
from bot.reading.ours import is_ours, names_a_loss
from bot.reading.pieces import Sort
from bot.reading.question import (
    Claim,
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
from bot.reading.sketches import sketches
from bot.reading.snippets import (
    is_huge,
    lacked,
    missing_names,
    names_loss,
    subject_of,
)
from bot.reading.stated import CLASSES, classes_of, stated
from bot.reading.tensors import tensors
from bot.reading.text import as_prose, with_points
from bot.reading.topics import is_specific, topics_of, topics_of_values
from bot.reading.vocabulary import LN_CLASSES, OPERATIONS

_OF_CLASSES = frozenset({"cross_entropy", "nll_loss", "perplexity", "running_loss"})
"""Losses whose value says how many classes there are, by name, and means of them."""

_HEAD = "tensor([...])"
"""How a printed tensor without a name is spoken of."""


def judged(parts: Sequence[Parts], left_out: tuple[str, ...], direct: bool) -> Reading:
    """The Reading of a message (the first of the parts) and its attachments.

    Where we are asked and there is nothing but a picture, or a file that is no text, its text is what to ask for.
    """
    found = _judged(parts, left_out, direct)
    pictures = tuple(name for name in left_out if is_picture(name))
    if direct and pictures and isinstance(found, NotAQuestion | NeedsInput):
        return NeedsInput(pictures, "picture", found.language)
    if direct and left_out and isinstance(found, NotAQuestion | NeedsInput):
        return NeedsInput(left_out, "file", found.language)
    return found


def _judged(parts: Sequence[Parts], left_out: tuple[str, ...], direct: bool) -> Reading:
    message = parts[0]
    if not any(part.document.text.strip() or part.document.values for part in parts):
        return NotAQuestion("empty")
    code = "\n".join(piece.source for part in parts for piece in part.pieces)
    language = language_of(itertools.chain((part.speech for part in parts), map(_remarks, parts)), code)
    if language in DECIMAL_COMMA:
        parts = [replace(part, prose=with_points(part.prose)) for part in parts]
        message = parts[0]
    prose = "\n".join([message.prose, *(part.prose for part in parts[1:])])
    errors = next((part.errors for part in parts if part.errors), ())
    error = errors[-1] if errors else None
    printed = " ".join(claim.text for part in parts for claim in part.claims)
    failed = "\n".join((error.message, *error.code)) if error else ""
    losses = loss_words(f"{prose}\n{failed}\n{printed}")
    material = material_of(parts, losses, language in DECIMAL_COMMA)
    if error is not None and relevance.is_about_tensors(error) and _are_sizes(material):
        material = Material(())
    claims = unused(claimed(parts, material.spans), material.snippets, message.document.text)
    sources = [each.source for each in material.snippets]
    if sources and all(relevance.other_framework(source) for source in sources) and not relevance.names_torch(prose):
        return NotAQuestion("other-framework", language)
    told = bool(claims) or error is not None
    if not (told or _asks(parts, prose, direct)) and material.snippets and all(map(_is_bare, material.snippets)):
        return NotAQuestion("other-framework", language)
    if not is_ours(material, claims, prose, error, direct):
        return NotAQuestion(relevance.reason(prose, sources), language)
    if material.lacks and error is None and not any(claim.kind == "printed" for claim in claims):
        return NeedsInput((material.lacks,), material.lacks, language)
    lacking = _lacking(material, claims, losses, error)
    written = "\n".join(each.source for each in material.snippets)
    if lacking and not is_specific(topics_of(f"{prose}\n{written}")):
        return NeedsInput(lacking, "code", language)
    subject = _odd_one(material, claims, message.document.text)
    subject = subject_of(material.snippets) if subject is None else subject
    missing = () if subject is None else lacked(material.snippets[subject])
    kind = _kind(material, subject, claims, error)
    text = message.document.text
    topics, arguments, code = (), (), "\n".join(block.text for part in parts for block in part.blocks)
    made_up: tuple[Snippet, ...] = ()
    if subject is not None and (missing or not material.snippets[subject].shown):
        made_up = sketches(material.snippets[subject], losses, prose, error)
    if subject is None or missing or is_huge(material.snippets[subject].source):
        code = "" if subject is None else material.snippets[subject].source
        losses = tuple(dict.fromkeys((*losses, *loss_words(code))))
        said = f"{message.prose}\n{error.message if error else ''}"
        topics, arguments = _situation(said, code, claims, losses)
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
        made_up,
        before=tuple(each for each in errors[:-1] if error is not None and each.message != error.message),
        fails=(error is not None and not error.type.endswith("Warning")) or relevance.speaks_of_errors(prose),
        cut=_cut(parts, missing, None if subject is None else material.snippets[subject]),
        unused=tuple(_unread_of(parts, material.snippets)),
    )


def _unread_of(parts: Sequence[Parts], found: Sequence[Snippet]) -> Iterator[str]:
    """The data files whose numbers no program of the message takes."""
    given = {each.name for snippet in found for each in snippet.completions}
    for document in (part.document for part in parts if part.document.values):
        if not given & {*document.values, document.name}:
            yield document.name or ""


def _asks(parts: Sequence[Parts], prose: str, direct: bool) -> bool:
    """Whether there are words beside the code: about a loss, or any where we are asked."""
    spoken = any(letter.isalpha() for part in parts for letter in part.speech)
    return (direct and spoken) or relevance.mentions_loss(prose) or names_a_loss(prose, given=True)


def _is_bare(found: Snippet) -> bool:
    """Whether a snippet is of another framework, without the values that it needs."""
    return any(each.what == "framework" for each in found.completions) and bool(lacked(found))


def _odd_one(material: Material, claims: Sequence[Claim], text: str) -> int | None:
    """Of several calls made of pasted numbers, the one above the value that behaves as the asker complains."""
    behaves = {claim.value for claim in claims if claim.kind == "behaviour"}
    odd = next((claim for claim in claims if claim.span is not None and _shows(claim, behaves)), None)
    if odd is None or odd.span is None or any(each.origin is not Origin.LITERAL for each in material.snippets):
        return None
    line = text.count("\n", 0, odd.span.start) + 1
    above = [at for at, each in enumerate(material.snippets) if each.line_map and each.line_map[0] <= line]
    return above[-1] if above else None


def _shows(claim: Claim, behaviours: Collection[object]) -> bool:
    if claim.kind != "printed" or not isinstance(claim.value, float):
        return False
    return (claim.value < 0 and "negative" in behaviours) or (claim.value != claim.value and "nan" in behaviours)


def _cut(parts: Sequence[Parts], missing: tuple[str, ...], subject: Snippet | None) -> tuple[str, ...]:
    if subject is None:
        texts = (as_prose(each.document.text) for each in parts)
        return tuple(dict.fromkeys(_HEAD for text in texts if any(not each.complete for each in tensors(text))))
    shown = frozenset[str]().union(*(names_cut(each.pieces, each.document.text) for each in parts if missing))
    written = elided(subject.source) if "..." in subject.source else ()
    return (*(name for name in missing if name in shown), *written)


def _remarks(part: Parts) -> str:
    """The comments of its code."""
    lines = (line.text for piece in part.pieces if piece.sort is Sort.CODE for line in piece.lines)
    return "\n".join(line[comment:] for line in lines if (comment := lexis(line).comment) is not None)


def _are_sizes(material: Material) -> bool:
    """Whether the only numbers of a message with an error are whole ones, which are shapes rather than data."""
    written = [each for each in material.snippets if each.origin is Origin.LITERAL]
    return bool(written) and len(written) == len(material.snippets) and not any("." in _data(s) for s in written)


def _data(found: Snippet) -> str:
    return "".join(re.findall(r"tensor\(([^()]*)\)", found.source))


def _situation(
    prose: str, code: str, claims: Sequence[Claim], losses: Collection[str]
) -> tuple[tuple[str, ...], tuple[Stated, ...]]:
    """What words and code are about, and the arguments that they name or that a printed number gives away: ln C is a
    number of classes in a loss of classes alone.
    """
    topics = topics_of(prose) | (topics_of(code) & OPERATIONS) | topics_of_values(claims)
    found = {each.name: each for each in stated(f"{prose}\n{code}")}
    printed = [claim for claim in claims if claim.kind == "printed"] if not losses or _OF_CLASSES & set(losses) else []
    counts = [count for claim in printed if (count := classes_of(claim))]
    if counts:
        topics |= {LN_CLASSES}
        found.setdefault(CLASSES, Stated(CLASSES, str(counts[0])))
    return tuple(sorted(topics)), tuple(found.values())


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
