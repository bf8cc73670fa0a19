"""The HTTP side: every request is recorded, meets its fault, is answered, and its violations are kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from tests.loopback_discord.calls import Call, read
from tests.loopback_discord.entities import Json
from tests.loopback_discord.faults import Cut, Plan, meet
from tests.loopback_discord.ledger import Request
from tests.loopback_discord.refusals import Refusal, Unauthorized
from tests.loopback_discord.state import Discord

API: Final = "/api/v10"

Reply = Json | list[Json] | None
"""A JSON answer, or None for 204."""

Handler = Callable[[Discord, Call], Reply]


@dataclass(frozen=True)
class Route:
    """`open` routes carry their right in their path, as interactions' tokens do; the others want the bot's token."""

    method: str
    path: str
    handler: Handler
    open: bool = False
    status: int = 200


def routes(discord: Discord, table: Iterable[Route]) -> list[web.RouteDef]:
    return [web.route(route.method, API + route.path, Serving(discord, route).serve) for route in table]


@dataclass(frozen=True)
class Serving:
    """Serves one route."""

    discord: Discord
    route: Route

    async def serve(self, http: web.Request) -> web.StreamResponse:
        path = http.path.removeprefix(API)
        record = Request(http.method, path, {}, (), asyncio.get_running_loop().time())
        self.discord.ledger.requests.append(record)
        try:
            return await self._met(http, record, self.discord.faults.take(http.method, path))
        finally:
            record.ended = asyncio.get_running_loop().time()
            self.discord.world.pulse.beat()

    async def _met(self, http: web.Request, record: Request, plan: Plan | None) -> web.StreamResponse:
        """The answer, or what the fault puts in its place, before or after the effect."""
        try:
            call = await read(http, record.path)
            record.body, record.files = call.body, tuple(upload.name for upload in call.uploads.values())
            response = await meet(plan.fault, http) if plan and not plan.after else None
            if response is None:
                response = _json(self.route.status, self._answer(call))
                response = (await meet(plan.fault, http) if plan and plan.after else None) or response
        except Refusal as refusal:
            if refusal.is_violation:
                self.discord.ledger.broken(record, str(refusal))
            response = _json(refusal.status, refusal.body)
        except Exception as error:
            self.discord.ledger.broken(record, f"nothing of the client's: {error!r} in here")
            raise
        cut = plan is not None and isinstance(plan.fault, Cut)
        record.status = 0 if cut else response.status
        return response

    def _answer(self, call: Call) -> Reply:
        if not self.route.open and call.authorization != f"Bot {self.discord.portal.token}":
            raise Unauthorized
        return self.route.handler(self.discord, call)


def _json(status: int, body: Reply) -> web.Response:
    """With a bare Content-Type, as Discord sends it: with a charset discord.py reads no JSON."""
    if body is None:
        return web.Response(status=204)
    return web.Response(status=status, body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
