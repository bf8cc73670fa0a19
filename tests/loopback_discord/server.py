"""The HTTP server on loopback, and the three places where discord.py is told of it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import yarl
from aiohttp import web
from discord.asset import Asset
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.loopback_discord import (
    application_routes,
    channel_routes,
    files_route,
    interaction_routes,
    message_routes,
    webhook_routes,
)
from tests.loopback_discord.calls import REQUEST_BYTES
from tests.loopback_discord.gateway import Gateway
from tests.loopback_discord.portal import Portal
from tests.loopback_discord.rest import API, routes
from tests.loopback_discord.state import Discord
from tests.loopback_discord.world import World

_TABLE: Final = (
    *application_routes.ROUTES,
    *channel_routes.ROUTES,
    *message_routes.ROUTES,
    *interaction_routes.ROUTES,
    *webhook_routes.ROUTES,
)


@asynccontextmanager
async def serving() -> AsyncGenerator[Discord]:
    """A Discord with nobody in it but the bot and an owner, to which discord.py connects while the context lasts."""
    world = World()
    portal = Portal(token=secrets.token_urlsafe(48))
    here = Discord(world, portal, Gateway(world, portal))
    runner = web.AppRunner(_application(here), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    here.base = site.name
    here.gateway.url = str(yarl.URL(site.name).with_scheme("ws") / "gateway/")
    try:
        with hooked(here):
            yield here
    finally:
        here.gateway.drop()
        await runner.cleanup()


def _application(here: Discord) -> web.Application:
    application = web.Application(client_max_size=REQUEST_BYTES)
    application.add_routes(routes(here, _TABLE))
    application.add_routes([web.get("/gateway/", here.gateway.handle), files_route.route(here)])
    application.add_routes([web.route("*", "/{anything:.*}", files_route.Nothing(here).serve)])
    return application


@contextmanager
def hooked(here: Discord) -> Generator[None]:
    """discord.py speaks with this server, and afterwards with Discord again."""
    places = ((Route, "BASE"), (Asset, "BASE"), (DiscordWebSocket, "DEFAULT_GATEWAY"))
    before = [getattr(owner, name) for owner, name in places]
    _set(places, (here.base + API, here.base + "/cdn", yarl.URL(here.gateway.url)))
    try:
        yield
    finally:
        _set(places, before)


def _set(places: Iterable[tuple[type, str]], values: Iterable[object]) -> None:
    for (owner, name), value in zip(places, values, strict=True):
        setattr(owner, name, value)
