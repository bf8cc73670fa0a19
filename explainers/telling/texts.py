"""Messages as text segments of a card: the sentence in the reader's language, some of its values emphasised."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any

from explainers.cards.card import Code, Math, Segment, Strong, Text
from explainers.locale import Translator
from explainers.messages import Message

UNSPACED = frozenset({"ja", "zh"})


def text(message: Message, translator: Translator, strong: tuple[str, ...] = (), code: tuple[str, ...] = ()) -> Text:
    """The sentence as segments; the named values in `strong` are emphasised, those in `code` set as code."""
    template = translator.text_of(message.text)
    segments: list[Segment] = []
    for words, name, _, _ in Formatter().parse(template):
        if words:
            segments.append(words)
        if name is not None:
            segments.append(_value(name, message.named, translator, strong, code))
    return tuple(segments)


def _value(
    name: str, named: Mapping[str, Any], translator: Translator, strong: tuple[str, ...], code: tuple[str, ...]
) -> Segment:
    value = named[name]
    if isinstance(value, Math):
        return value
    said = value.say(translator) if isinstance(value, Message) else str(value)
    return Strong(said) if name in strong else Code(said) if name in code else said


def joined(translator: Translator, *parts: Text) -> Text:
    """Sentences one after another, a space between them where the language has one."""
    result: list[Segment] = []
    for part in parts:
        if part and result and translator.locale not in UNSPACED:
            result.append(" ")
        result.extend(part)
    return tuple(result)
