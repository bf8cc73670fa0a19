"""Attachments over HTTP, and the answer to whatever is not served here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from tests.loopback_discord.faults import meet
from tests.loopback_discord.ledger import Request
from tests.loopback_discord.state import Discord


def route(here: Discord) -> web.RouteDef:
    return web.get("/attachments/{channel}/{file}/{name}", Files(here).serve)


@dataclass(frozen=True)
class Files:
    here: Discord

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The bytes of an attachment, to whoever has the link, its signature included."""
        record = _recorded(self.here, request)
        plan = self.here.faults.take(request.method, request.path)
        response = await meet(plan.fault, request) if plan else None
        file = self.here.world.files.get(int(request.match_info["file"]))
        if response is None and file is not None and "hm" in request.query:
            kind = file.content_type or "application/octet-stream"
            response = web.Response(body=file.data, headers={"Content-Type": kind})
        response = response or web.Response(status=404)
        record.status = response.status
        return response


@dataclass(frozen=True)
class Nothing:
    """404, and a violation: a bot asked for something that this Discord has not."""

    here: Discord

    async def serve(self, request: web.Request) -> web.StreamResponse:
        record = _recorded(self.here, request)
        record.status = 404
        self.here.ledger.broken(record, "this is not served here")
        return web.json_response({"message": "404: Not Found", "code": 0}, status=404)


def _recorded(here: Discord, request: web.Request) -> Request:
    now = asyncio.get_running_loop().time()
    record = Request(request.method, request.path, {}, (), now)
    here.ledger.requests.append(record)
    return record
