"""What we say about ourselves, in Markdown: how to ask, what is supported, what is kept, how we are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.chat.limits import CONTENT, clipped
from bot.chat.markdown import block
from bot.exchange import Catalogue, Loss
from explainers.locale import Translator
from explainers.messages import said

_HELP: Final = (
    said("**Ask me why a PyTorch loss is what it is.** Send code, logits, a tensor, a traceback or just a number."),
    said("• `/why` with text or a file, or with nothing for a form"),
    said("• right-click a message → Apps → *Explain this loss*, in any server and in direct messages"),
    said("• mention me, also in reply to somebody else's message"),
    said("• edit your message, and my reply follows; delete it, and my reply goes"),
    said("*Steps* shows the whole derivation, *Source* gives it as LaTeX and Python. `/losses` lists what I know."),
)
_PRIVACY: Final = (
    said(
        "**What I keep:** the ids of your question, of its channel and of my reply, how far I came, and when; "
        "for 30 days. Never what you wrote."
    ),
    said("Your code runs in a jail without network and files, and is gone with it. My logs hold ids and times only."),
    said("Nothing is sent to anybody else. A reply holds or names its question; *Delete* removes it."),
)


@dataclass(frozen=True)
class Condition:
    """How we are: versions, questions under way, seconds since the start."""

    version: str
    torch: str
    under_way: int
    up_seconds: float


def help_text(translator: Translator) -> str:
    return "\n".join(each.say(translator) for each in _HELP)


def privacy(translator: Translator) -> str:
    return "\n".join(each.say(translator) for each in _PRIVACY)


def losses(catalogue: Catalogue, translator: Translator) -> str:
    """All that the registry holds."""
    known = said(
        "I know {count} losses, and formulas written by hand. With a name, `/losses` shows an example.",
        count=len(catalogue.losses),
    )
    names = ", ".join(f"`{loss.name}`" for loss in catalogue.losses)
    return clipped(f"{known.say(translator)}\n{names}", CONTENT)


def loss(found: Loss) -> str:
    """One loss as it is called, and an example that can be asked as it stands."""
    call = f"{found.name}({', '.join(found.arguments)})"
    return (
        clipped(f"`{call}`" + (f" · `nn.{found.module}`" if found.module else ""), 400)
        + "\n"
        + block(found.example, 1200, "py")
    )


def condition(how: Condition, translator: Translator) -> str:
    message = said(
        "whyloss {version} with torch {torch} · up for {hours} h · {count} questions under way",
        version=how.version,
        torch=how.torch,
        hours=f"{how.up_seconds / 3600:.1f}",
        count=how.under_way,
    )
    return message.say(translator)
