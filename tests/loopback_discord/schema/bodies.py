"""Bodies of messages for the tests of their limits, and how a limit is tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.loopback_discord.entities import Channel, Json
from tests.loopback_discord.loopback import Loopback
from tests.loopback_discord.raw import V2, Raw

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Row:
    """`at` is the place that a refusal names, or its code where it names none."""

    inside: Json
    outside: Json
    at: str | int
    files: Files = field(default_factory=dict[str, bytes])
    files_outside: Files | None = None


def v2(*components: Json) -> Json:
    return {"flags": V2, "components": list(components)}


def row(*components: Json) -> Json:
    return {"type": 1, "components": list(components)}


def button(**changes: Any) -> Json:
    return {"type": 2, "style": 1, "label": "Steps", "custom_id": "steps"} | changes


def buttons(**changes: Any) -> Json:
    return v2(row(button(**changes)))


def select(**changes: Any) -> Json:
    options = [{"label": "a", "value": "a"}, {"label": "b", "value": "b"}]
    return v2(row({"type": 3, "custom_id": "which", "options": options} | changes))


def options(count: int) -> list[Json]:
    return [{"label": f"{number}", "value": f"{number}"} for number in range(count)]


def gallery(*items: Json) -> Json:
    return {"type": 12, "items": list(items)}


def picture(name: str = "a.png", **changes: Any) -> Json:
    return {"media": {"url": f"attachment://{name}"}} | changes


def pictures(count: int) -> Json:
    return v2(gallery(*[picture(f"{number}.png") for number in range(count)]))


def files(count: int) -> Files:
    return {f"{number}.png": b"png" for number in range(count)}


def embed(**changes: Any) -> Json:
    return {"embeds": [{"title": "t"} | changes]}


def fields(count: int) -> list[Json]:
    return [{"name": "n", "value": "v"}] * count


ONE: Final = {"a.png": b"png"}


async def is_a_limit(row: Row, loopback: Loopback, raw: Raw, channel: Channel) -> None:
    """The body inside is taken; the one outside is refused at its place, told as a violation, and has no effect."""
    path = f"/channels/{channel.id}/messages"
    taken = await raw.post(path, row.inside, row.files)
    assert taken.status == 200, taken.body
    assert not loopback.violations()
    refused = await raw.post(path, row.outside, row.files if row.files_outside is None else row.files_outside)
    if isinstance(row.at, int):
        assert refused.body["code"] == row.at
    else:
        assert refused.status == 400
        assert refused.body["code"] == 50035
        assert refused.problem(*row.at.split("."))
    assert len(loopback.violations()) == 1
    assert len(channel.messages) == 1
