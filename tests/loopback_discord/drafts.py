"""What the bot sends, checked as a whole and made into what a message is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from msgspec import UNSET

from tests.loopback_discord import message_payloads
from tests.loopback_discord.calls import Upload
from tests.loopback_discord.entities import Account, Attachment, Channel, Flag, Json, Message
from tests.loopback_discord.files import attachments
from tests.loopback_discord.references import check_all_shown, check_none_dropped, completed, referred, resolved
from tests.loopback_discord.refusals import InvalidForm, Refusal
from tests.loopback_discord.schema.layout import check_components
from tests.loopback_discord.schema.messages import AllowedMentions, MessageBody, check_embeds, check_mentions
from tests.loopback_discord.schema.reading import fitted
from tests.loopback_discord.state import Discord

_SUPPRESSING: Final = 1 << 2 | 1 << 12
SETTABLE: Final = _SUPPRESSING | Flag.COMPONENTS_V2
"""The flags that a client may set on any message."""

_MENTION: Final = re.compile(r"<@!?(\d+)>")


@dataclass(frozen=True)
class Draft:
    """A message's changeable parts, as they shall be."""

    content: str = ""
    embeds: list[Json] = field(default_factory=list["Json"])
    components: list[Json] = field(default_factory=list["Json"])
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    flags: int = 0
    allowed: AllowedMentions | None = None

    def texts(self) -> list[str]:
        """Everything in it that may mention somebody."""
        return [
            self.content,
            *(part["content"] for part in message_payloads.parts(self.components) if part.get("type") == 10),
        ]

    def pings(self, discord: Discord) -> tuple[Account, ...]:
        """Whom its text notifies, the bot's allowed mentions considered."""
        named = (int(found) for text in self.texts() for found in _MENTION.findall(text))
        accounts = (discord.world.accounts[each] for each in named if each in discord.world.accounts)
        return tuple(each for each in dict.fromkeys(accounts) if self._may_ping(each))

    def _may_ping(self, account: Account) -> bool:
        allowed = self.allowed
        return allowed is None or "users" in allowed.parse or account.id in {int(each) for each in allowed.users}


def drafted(
    discord: Discord,
    body: Any,
    uploads: Mapping[int, Upload],
    channel: Channel,
    *,
    settable: int = SETTABLE,
    before: Message | None = None,
) -> tuple[MessageBody, Draft]:
    """The body as typed, and what the message is with it; `before` is the message that it edits.

    Raises InvalidForm, Refusal.
    """
    sent = fitted(body, MessageBody)
    flags = _flags(sent, settable, before)
    draft = Draft(
        content=_kept(sent.content, before.content if before else "") or "",
        embeds=_kept(body.get("embeds", UNSET), before.embeds if before else []) or [],
        components=_kept(body.get("components", UNSET), before.components if before else []) or [],
        attachments=attachments(discord, sent, uploads, channel, before),
        flags=flags,
        allowed=sent.allowed_mentions,
    )
    _check_kind(draft, sent)
    if sent.allowed_mentions:
        check_mentions(sent.allowed_mentions)
    if sent.embeds:
        check_embeds(sent.embeds)
    if sent.components:
        check_components(sent.components, v2=bool(flags & Flag.COMPONENTS_V2))
    _check_references(sent, draft, before, discord.base)
    embeds, components = resolved([draft.embeds, draft.components], draft.attachments, discord.base)
    embeds = [{"type": "rich"} | each for each in embeds]
    return sent, replace(draft, embeds=embeds, components=completed(components, draft.attachments))


def _kept(value: Any, before: Any) -> Any:
    return before if value is UNSET else value


def _flags(sent: MessageBody, settable: int, before: Message | None) -> int:
    old = before.flags if before else 0
    if sent.flags is None:
        return old
    if unknown := sent.flags & ~(settable | old):
        raise InvalidForm(("flags",), f"these bits may not be set here: {unknown}")
    if old & Flag.COMPONENTS_V2 and not sent.flags & Flag.COMPONENTS_V2:
        raise InvalidForm(("flags",), "the components v2 flag is never removed")
    return (old & ~_SUPPRESSING) | sent.flags


def _check_kind(draft: Draft, sent: MessageBody) -> None:
    if draft.flags & Flag.COMPONENTS_V2:
        for name, value in (("content", draft.content), ("embeds", draft.embeds), ("sticker_ids", sent.sticker_ids)):
            if value:
                raise InvalidForm((name,), f"{name} cannot be with the components v2 flag")
        if not draft.components:
            raise Refusal(400, 50006, "Cannot send an empty message", is_violation=True)
    elif not (draft.content.strip() or draft.embeds or draft.components or draft.attachments or sent.sticker_ids):
        raise Refusal(400, 50006, "Cannot send an empty message", is_violation=True)


def _check_references(sent: MessageBody, draft: Draft, before: Message | None, base: str) -> None:
    files = draft.attachments
    shown = referred(sent, [each.name for each in files])
    if draft.flags & Flag.COMPONENTS_V2:
        check_all_shown(files, shown, draft.components, base)
    check_none_dropped(before, files, [draft.embeds, draft.components], base)
