"""Requests without discord.py, which would not send some of them: for the loopback's own tests."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from tests.loopback_discord.entities import Json
from tests.loopback_discord.rest import API
from tests.loopback_discord.state import Discord


@dataclass(frozen=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    body: Any

    def problem(self, *path: str) -> str:
        """What is said to be wrong at this place of the body."""
        at = self.body["errors"]
        for key in path:
            at = at[key]
        (found,) = at["_errors"]
        return found["message"]


@dataclass(frozen=True)
class Raw:
    """Speaks with the server as the bot would; `files` are sent with the body as payload_json."""

    session: aiohttp.ClientSession
    discord: Discord

    async def send(
        self, method: str, path: str, body: object = None, files: Mapping[str, bytes] | None = None, *, token: str = ""
    ) -> Answered:
        data, headers = _packed(body, files or {}), {"Authorization": f"Bot {token or self.discord.portal.token}"}
        if isinstance(data, bytes):
            headers["Content-Type"] = "application/json"
        async with self.session.request(method, self.discord.base + API + path, data=data, headers=headers) as response:
            text = await response.read()
            told = json.loads(text) if response.headers.get("Content-Type") == "application/json" else text
            return Answered(response.status, response.headers, told)

    async def post(self, path: str, body: object = None, files: Mapping[str, bytes] | None = None) -> Answered:
        return await self.send("POST", path, body, files)


def _packed(body: object, files: Mapping[str, bytes]) -> bytes | aiohttp.FormData | None:
    if not files:
        return None if body is None else json.dumps(body).encode()
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", json.dumps(body))
    for number, (name, data) in enumerate(files.items()):
        form.add_field(f"files[{number}]", io.BytesIO(data), filename=name, content_type="application/octet-stream")
    return form


@asynccontextmanager
async def speaking(discord: Discord) -> AsyncGenerator[Raw]:
    async with aiohttp.ClientSession() as session:
        yield Raw(session, discord)


def text_display(text: str) -> Json:
    return {"type": 10, "content": text}


V2: Final = 1 << 15
