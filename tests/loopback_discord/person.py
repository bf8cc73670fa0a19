"""Somebody with a Discord client: what they can do, and what they then see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.loopback_discord import asking, choosing, filling, message_payloads, posting
from tests.loopback_discord.calls import Upload
from tests.loopback_discord.choosing import NotOffered, OptionValue
from tests.loopback_discord.drafts import Draft
from tests.loopback_discord.entities import Account, Channel, ChannelKind, Json, Message, MessageKind
from tests.loopback_discord.files import sanitized, stored
from tests.loopback_discord.interactions import InteractionKind
from tests.loopback_discord.invocation import Invocation
from tests.loopback_discord.message_routes import reference_ids
from tests.loopback_discord.seen import seen
from tests.loopback_discord.state import Discord


@dataclass(frozen=True)
class Person:
    """An account and what it does. Everything is told to the bot at once; waiting for it is for the one who asks."""

    discord: Discord
    account: Account

    def post(
        self,
        channel: Channel,
        text: str = "",
        files: Sequence[Upload] = (),
        *,
        reply_to: Message | None = None,
        pinging: bool = True,
    ) -> Message:
        """A message; `pinging` is Discord's @ON beside a reply."""
        attachments = [stored(self.discord, sanitized(each.name), each.data, None, channel) for each in files]
        message = posting.create(
            self.discord,
            channel,
            self.account,
            Draft(text, attachments=attachments, allowed=None if pinging else filling.NO_REPLY_PING),
            kind=MessageKind.REPLY if reply_to else MessageKind.DEFAULT,
            reference=reply_to,
            reference_ids=reference_ids(reply_to) if reply_to else None,
        )
        return message

    def mention(self, channel: Channel, text: str = "", files: Sequence[Upload] = ()) -> Message:
        """A message that begins with the bot's name."""
        return self.post(channel, f"<@{self.discord.world.bot.id}> {text}", files)

    def dm(self, text: str = "", files: Sequence[Upload] = ()) -> Message:
        """A message to the bot alone."""
        return self.post(self.conversation(), text, files)

    def conversation(self) -> Channel:
        return self.discord.world.conversation(self.account, self.discord.world.bot)

    def edit(self, message: Message, text: str) -> None:
        assert message.author is self.account, "people edit their own messages"
        posting.revise(self.discord, message, Draft(text, attachments=message.attachments))

    def delete(self, message: Message) -> None:
        posting.delete(self.discord, message)

    def open_post(self, forum: Channel, title: str, text: str = "", files: Sequence[Upload] = ()) -> Message:
        """A forum's post: its first message, whose channel is the new thread."""
        assert forum.kind is ChannelKind.FORUM, "posts are opened in forums"
        world = self.discord.world
        assert forum.guild is not None, "forums are in guilds"
        thread = world.channel(forum.guild, title, ChannelKind.PUBLIC_THREAD, parent=forum, owner=self.account)
        attachments = [stored(self.discord, sanitized(each.name), each.data, None, thread) for each in files]
        self.discord.tell_channel("THREAD_CREATE", thread, newly_created=True)
        return posting.create(self.discord, thread, self.account, Draft(text, attachments=attachments), at=thread.id)

    def invoke(self, name: str, channel: Channel, /, **options: OptionValue) -> Invocation:
        """A slash command, found by its default name or the one in this person's language; "group sub" for those."""
        first, *words = name.split(" ")
        context = asking.context_of(self.discord, channel)
        command, owners = choosing.command_of(self.discord, self.account, channel, 1, first, context)
        data = choosing.filled(self.discord, channel, command, words, options)
        return self._start(InteractionKind.COMMAND, channel, data, owners, {"command_type": 1, "name": command["name"]})

    async def complete(
        self, name: str, channel: Channel, option: str, typed: str, /, **options: OptionValue
    ) -> list[Json]:
        """The choices that are offered while `typed` stands in the option."""
        first, *words = name.split(" ")
        context = asking.context_of(self.discord, channel)
        command, owners = choosing.command_of(self.discord, self.account, channel, 1, first, context)
        data = filling.completing(self.discord, channel, command, words, options, option, typed)
        invocation = self._start(InteractionKind.AUTOCOMPLETE, channel, data, owners, {})
        return await invocation.choices()

    def menu(self, name: str, message: Message) -> Invocation:
        """An entry of a message's menu."""
        self._check_sees(message)
        context = asking.context_of(self.discord, message.channel)
        command, owners = choosing.command_of(self.discord, self.account, message.channel, 3, name, context)
        payload = message_payloads.message_payload(message, self.discord.base)
        data: Json = {"id": command["id"], "name": command["name"], "type": 3, "target_id": str(message.id)}
        data["resolved"] = {"messages": {str(message.id): payload}}
        metadata: Json = {"command_type": 3, "name": command["name"], "target_message_id": str(message.id)}
        return self._start(InteractionKind.COMMAND, message.channel, data, owners, metadata)

    def press(self, message: Message, which: str) -> Invocation:
        """A button, by its label or custom_id."""
        self._check_sees(message)
        button = seen(message).button(which)
        if button.disabled or button.custom_id is None:
            raise NotOffered(f"{which!r} cannot be pressed")
        data: Json = {"custom_id": button.custom_id, "component_type": 2}
        return self._on(message, data)

    def select(self, message: Message, custom_id: str, *values: str) -> Invocation:
        """Options of a select, by their values."""
        self._check_sees(message)
        return self._on(message, filling.selected(message, custom_id, values))

    def submit(self, opened: Invocation, values: Mapping[str, filling.FieldValue]) -> Invocation:
        """The modal that the bot opened, filled in by its fields' labels or custom_ids; the others stay as they are."""
        modal = opened.interaction.modal
        assert modal is not None, "the bot opened no modal"
        before = opened.interaction
        data = filling.submitted(self.discord, before.channel, modal, values)
        metadata: Json = {"triggering_interaction_metadata": before.metadata}
        return self._start(InteractionKind.MODAL, before.channel, data, before.owners, metadata, before.message)

    def _on(self, message: Message, data: Json) -> Invocation:
        owners = (message.interaction or {}).get("authorizing_integration_owners")
        if owners is None:
            owners = {"0": str(message.channel.guild.id if message.channel.guild else 0)}
        metadata: Json = {"interacted_message_id": str(message.id)}
        return self._start(InteractionKind.COMPONENT, message.channel, data, owners, metadata, message)

    def _check_sees(self, message: Message) -> None:
        if not asking.is_seen_by(message, self.account):
            raise NotOffered(f"{self.account.name} does not see this message")

    def _start(
        self,
        kind: InteractionKind,
        channel: Channel,
        data: Json,
        owners: dict[str, str],
        metadata: Json,
        message: Message | None = None,
    ) -> Invocation:
        interaction = asking.start(self.discord, kind, self.account, channel, data, owners, metadata, message)
        return Invocation(self.discord, interaction)
