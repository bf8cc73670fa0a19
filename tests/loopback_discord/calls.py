"""A request as a route sees it: JSON and files, from a JSON body or a multipart one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import BodyPartReader, web

from tests.loopback_discord.entities import Json
from tests.loopback_discord.refusals import InvalidForm, Refusal

REQUEST_BYTES: Final = 25 << 20
_FILE: Final = re.compile(r"files\[(\d+)\]")


@dataclass(frozen=True)
class Upload:
    """An uploaded file, before it is an attachment."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Call:
    """`arguments` are the path's, `uploads` the files by the number in their part's name."""

    method: str
    path: str
    arguments: Mapping[str, str]
    query: Mapping[str, str]
    authorization: str
    body: Any
    uploads: dict[int, Upload] = field(default_factory=dict[int, Upload])

    def id(self, name: str) -> int:
        """An id in the path; 400 where it is no number."""
        text = self.arguments[name]
        if not text.isdecimal():
            raise InvalidForm((name,), f'Value "{text}" is not snowflake.')
        return int(text)


async def read(request: web.Request, path: str) -> Call:
    """Raises Refusal where the body is not readable, or too large."""
    if (request.content_length or 0) > REQUEST_BYTES:
        raise Refusal(413, 40005, "Request entity too large", is_violation=True)
    body: Any = {}
    uploads: dict[int, Upload] = {}
    if request.content_type == "multipart/form-data":
        body, uploads = await _parts(request)
    elif request.can_read_body:
        body = _parsed(await request.read())
    authorization = request.headers.get("Authorization", "")
    return Call(request.method, path, request.match_info, request.query, authorization, body, uploads)


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Refusal(400, 50109, "The request body contains invalid JSON.", is_violation=True) from None


async def _parts(request: web.Request) -> tuple[Json, dict[int, Upload]]:
    body: Json = {}
    uploads: dict[int, Upload] = {}
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader), "Discord knows no nested multipart"
        data = bytes(await part.read())
        if part.name == "payload_json":
            body = _parsed(data)
        elif found := _FILE.fullmatch(part.name or ""):
            uploads[int(found[1])] = Upload(part.filename or "", data)
        else:
            raise InvalidForm((part.name or "",), "no part of this name is known here")
    return body, uploads
