"""The few words that the renderers add of their own, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from explainers.locale import Translator


def _(message: str) -> str:
    """Marks a message for the catalogue."""
    return message


@dataclass(frozen=True)
class Words:
    """Asked by meaning, so that no template holds a word."""

    translator: Translator

    @property
    def conditions(self) -> Mapping[str, str]:
        """The words of a case distinction."""
        say = self.translator.text
        return {"if": say(_("if")), "otherwise": say(_("otherwise"))}

    def more_rows(self, count: int) -> str:
        return self.translator.text(_("{count} more"), count=count)

    def template_words(self, steps: int) -> dict[str, object]:
        """`more[k]` tells that k of the steps are left out."""
        say = self.translator.text
        more = [say(_("more steps in the full derivation: {count}"), count=count) for count in range(steps + 1)]
        return {
            **self.conditions,
            "fix": self.fix,
            "caution": self.caution,
            "too_wide": say(_("This formula is too wide for a picture; the source files have it whole.")),
            "more": more,
        }

    @property
    def fix(self) -> str:
        return self.translator.text(_("Fix"))

    @property
    def caution(self) -> str:
        return self.translator.text(_("Note"))
