"""Sentences with named values, kept apart from the language they will be said in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from explainers.locale import Translator


@dataclass(frozen=True)
class Message:
    """An English sentence with named placeholders and their values; a value may itself be a Message."""

    text: str
    named: Mapping[str, object] = field(default_factory=dict[str, object])

    def say(self, translator: Translator) -> str:
        """The sentence in the translator's language."""
        values = {k: v.say(translator) if isinstance(v, Message) else v for k, v in self.named.items()}
        return translator.text(self.text, **values)


def said(text: str, /, **named: object) -> Message:
    """A sentence to be said; the text is the message id of the gettext catalogues."""
    return Message(text, named)
