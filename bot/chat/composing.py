"""An Answer → the message that shows it: a card with what must be copied beside it, or all of it in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bot.chat import states
from bot.chat.asked import Asked
from bot.chat.carried import BY_REFERENCE, OURS, Carried
from bot.chat.limits import ALT_TEXT, CONTENT, FILE_BYTES, LAYOUT_TEXT, clipped, width
from bot.chat.markdown import block, bold, small
from bot.chat.shown import QUOTE_ID, Attached, Block, Button, Framed, Picture, Shown, Upload, Words
from bot.chat.words import LONGEST_CODE, all_words, beside_card
from bot.exchange import Answer, Outcome
from explainers.locale import Translator
from explainers.messages import Message, said

CARD: Final = f"{OURS}card.png"
DERIVATION: Final = f"{OURS}derivation.png"

_VERDICT: Final = 500
_SPARE: Final = 16
_COLOURS: Final[Mapping[Outcome, int]] = {"explained": 0x5AD8A6, "failed": 0xFFB454, "crashed": 0xF0616D}
_GREY: Final = 0x8A8F98
_NO_FILES: Final = said("I may not attach files here, so this is the answer in words.")
_LABELS: Final[Mapping[states.Action, tuple[Message, str]]] = {
    "steps": (said("Steps"), "📐"),
    "source": (said("Source"), "📄"),
    "delete": (said("Delete"), "🗑️"),
}


@dataclass(frozen=True)
class Room:
    """What may be sent to a place; `layout` says whether it is made of components where that is decided already."""

    files: bool = True
    embeds: bool = True
    layout: bool | None = None
    file_bytes: int = FILE_BYTES

    def in_components(self, picture: object) -> bool:
        """Whether a message with this picture, or with none, is made of components there: words alone need none."""
        return bool(picture) and self.files and self.embeds if self.layout is None else self.layout


def reply(answer: Answer, asked: Asked, room: Room, translator: Translator, carried: Carried = BY_REFERENCE) -> Shown:
    """The reply to a question, which it carries as `carried` says."""
    picture = _picture(CARD, answer.drawn.card, answer.alt_text, room)
    uploads = (*picture, *carried.uploads) if room.files else ()
    buttons = tuple(_button(action, answer, asked, translator) for action in _actions(answer, carried))
    if not room.in_components(picture):
        unseen = answer.drawn.card is not None and not room.files
        last = [*([small(_NO_FILES.say(translator))] if unseen else []), *([carried.quote] if carried.quote else [])]
        return Shown(notice(answer), _content(answer, last), (), uploads, buttons)
    inner = tuple(_inner(answer, picture, carried, room))
    return Shown(notice(answer), "", (Words(_verdict(answer)), *_framed(answer, inner)), uploads, buttons)


def steps(answer: Answer, room: Room) -> Shown:
    """The full derivation."""
    derivation = answer.drawn.sources.get("derivation.txt", answer.text)
    picture = _picture(DERIVATION, answer.drawn.full, derivation, room)
    if picture and room.in_components(picture):
        blocks = (Words(_verdict(answer)), *_framed(answer, tuple(_pictures(picture))))
        return Shown(notice(answer), "", blocks, picture)
    left = CONTENT - width(_verdict(answer)) - width(block("", 0)) - _SPARE
    return Shown(notice(answer), f"{_verdict(answer)}\n{block(derivation, left)}", (), picture)


def sources(answer: Answer, room: Room) -> Shown:
    """LaTeX, text and Python of the derivation, to download; the Python also to read."""
    script = answer.drawn.sources.get("derivation.py", "")
    shown = block(script, LONGEST_CODE, "py") if script else ""
    if not room.files:
        return Shown(notice(answer), f"{_verdict(answer)}\n{shown}")
    uploads = tuple(Upload(OURS + name, text.encode()) for name, text in sorted(answer.drawn.sources.items()))
    if not room.in_components(uploads):
        return Shown(notice(answer), f"{_verdict(answer)}\n{shown}", (), uploads)
    words = [Words(text) for text in (_verdict(answer), shown) if text]
    return Shown(notice(answer), "", (*words, *(Attached(each.name) for each in uploads)), uploads)


def sentence(text: str) -> Shown:
    """A text of ours, in Markdown."""
    return Shown(clipped(text, CONTENT), clipped(text, CONTENT))


def notice(answer: Answer) -> str:
    """The verdict, as a notification shows it."""
    return clipped(answer.verdict, CONTENT)


def _verdict(answer: Answer) -> str:
    return bold(answer.verdict, _VERDICT)


def _inner(
    answer: Answer, picture: tuple[Upload, ...], carried: Carried, room: Room
) -> Iterator[Words | Picture | Attached]:
    """Our preface, the card or all words, what is to be copied, and the question."""
    left = LAYOUT_TEXT - width(_verdict(answer)) - width(carried.quote) - _SPARE
    parts = beside_card(answer) if picture else all_words(answer, left)
    yield from (Words(text) for kind, text in parts if kind == "preface")
    yield from _pictures(picture)
    yield from (Words(text) for kind, text in parts if kind != "preface")
    if carried.quote:
        yield Words(carried.quote, QUOTE_ID)
    if room.files:
        yield from (Attached(each.name) for each in carried.uploads)


def _content(answer: Answer, last: list[str]) -> str:
    left = CONTENT - width(_verdict(answer)) - sum(width(each) + 2 for each in last) - _SPARE
    return "\n\n".join([_verdict(answer), *(text for _, text in all_words(answer, left)), *last])


def _framed(answer: Answer, inner: tuple[Words | Picture | Attached, ...]) -> tuple[Block, ...]:
    return (Framed(_COLOURS.get(answer.outcome, _GREY), inner),) if inner else ()


def _picture(name: str, data: bytes | None, alt: str, room: Room) -> tuple[Upload, ...]:
    if data is None or not room.files or len(data) > room.file_bytes:
        return ()
    return (Upload(name, data, clipped(alt, ALT_TEXT) or None),)


def _pictures(uploads: tuple[Upload, ...]) -> Iterator[Picture]:
    return (Picture(each.name, each.alt) for each in uploads)


def _actions(answer: Answer, carried: Carried) -> Iterator[states.Action]:
    if answer.outcome in ("explained", "failed") and carried.whole:
        yield from ("steps", "source")
    yield "delete"


def _button(action: states.Action, answer: Answer, asked: Asked, translator: Translator) -> Button:
    label, emoji = _LABELS[action]
    state = states.State(action, asked.asker, answer.language, asked.theme)
    return Button(states.written(state), label.say(translator), emoji, danger=action == "delete")
