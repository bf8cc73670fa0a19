"""The one entry: a message → what it asks. Limits, documents, their parts; then it is judged."""

from collections.abc import Sequence

from bot.reading import language
from bot.reading.claims import output_claims, plain_prose
from bot.reading.fences import Region, regions
from bot.reading.files import Document, document
from bot.reading.judgement import judged
from bot.reading.lexing import lexis, parsed
from bot.reading.material import Parts
from bot.reading.outputs import print_labels
from bot.reading.pieces import Piece, Sort, pieces, promoted
from bot.reading.question import File, Origin, Reading, ReportedError, TooLong
from bot.reading.snippets import Block, blocks
from bot.reading.text import lines_of, readable
from bot.reading.tracebacks import cell, mentioned, raised

MESSAGE_BYTES = 32 * 1024
FILE_BYTES = 1_000_000


def warm() -> None:
    """Load all that reading needs, so that it works where no file can be opened any more."""
    language.warm()
    notebook = File("a.ipynb", b'{"cells": [{"cell_type": "code", "source": "F.mse_loss(a, b)"}]}')
    read("なぜ 0.5514? `x = torch.tensor([1.])`\n```\nnn.CrossEntropyLoss()(x\n```\nschÃ¶n", (notebook,))


def read(text: str, files: tuple[File, ...] = (), direct: bool = True) -> Reading:
    """What the message asks; never raises.

    `direct`: somebody asked us (a command, a mention), so that a bare "why is my loss nan?" is answered with the one
    thing that is lacking; in a forum only a question with something to compute, or a loss by name, is ours.
    """
    if too_long := _too_long(text, files):
        return too_long
    attached = [(file.name, document(file)) for file in files]
    documents = [Document(None, readable(text)), *(found for _, found in attached if found)]
    left_out = tuple(readable(name) for name, found in attached if found is None)
    return judged([_parts(each) for each in documents], left_out, direct)


def _too_long(text: str, files: Sequence[File]) -> TooLong | None:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MESSAGE_BYTES:
        return TooLong("message", size, MESSAGE_BYTES)
    for file in files:
        if len(file.data) > FILE_BYTES:
            return TooLong(readable(file.name), len(file.data), FILE_BYTES)
    return None


def _parts(source: Document) -> Parts:
    text = source.text
    labels = print_labels(text)
    found = [(region, promoted(pieces(region, labels))) for region in _regions(source)]
    all_pieces = [piece for _, part in found for piece in part]
    code = tuple(block for region, part in found for block in blocks(part, region.fenced)) or _cells(all_pieces)
    spans = [span for piece in all_pieces for span in _taken(piece)]
    fences = [(r.lines[0].start, r.lines[-1].end) for r, _ in found if r.fenced]
    prose = plain_prose(text, spans)
    errors = [raised("\n".join(line.text for line in p.lines)) for p in all_pieces if p.sort is Sort.ERROR]
    remarked = [error for p in all_pieces if p.sort is Sort.CODE for line in p.lines for error in _remarked(line.text)]
    told = mentioned(prose)
    spans += [span for _, span in told]
    prose = plain_prose(text, spans)
    reported = [*remarked, *(error for error, _ in told), *(error for error in errors if error)]
    speech = plain_prose(text, [*spans, *fences])
    return Parts(
        source, code, prose, speech, tuple(output_claims(all_pieces, text)), tuple(reported), tuple(all_pieces)
    )


def _remarked(code: str) -> list[ReportedError]:
    """The exceptions that a comment behind code, or on a line of its own, says it raises."""
    at = lexis(code).comment
    return [] if at is None else [error for error, _ in mentioned(code[at:])]


def _cells(found: Sequence[Piece]) -> tuple[Block, ...]:
    """Programs that stand in tracebacks of notebooks, as far as they are whole."""
    cells = [
        list(zip(*shown, strict=True)) for piece in found if piece.sort is Sort.ERROR and (shown := cell(piece.lines))
    ]
    made = [Block(source, numbers, Origin.TRANSCRIPT) for source, numbers in cells]
    return tuple(block for block in made if parsed(block.text))


def _regions(source: Document) -> tuple[Region, ...]:
    return (Region(lines_of(source.text), fenced=True),) if source.program else regions(source.text)


def _taken(piece: Piece) -> list[tuple[int, int]]:
    """What of a piece is no prose: code up to where a sentence goes on, errors, and of output the values."""
    start, end = piece.lines[0].start, piece.lines[-1].end
    match piece.sort:
        case Sort.ERROR | Sort.FOREIGN:
            return [(start, end)]
        case Sort.CODE:
            after = start + piece.said_after if piece.said_after else max((v.end for v in piece.outputs), default=end)
            return [(start, after)]
        case _:
            return [(value.start, value.end) for value in piece.outputs]
