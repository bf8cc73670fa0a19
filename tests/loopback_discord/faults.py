"""What a test makes go wrong between the bot and this Discord."""

from __future__ import annotations

import asyncio
import fnmatch
import json
from dataclasses import dataclass
from typing import assert_never

from aiohttp import web


@dataclass(frozen=True)
class RateLimited:
    """429. Without `via` it looks like a ban by the proxy before Discord."""

    retry_after: float = 0.01
    everywhere: bool = False
    via: bool = True


@dataclass(frozen=True)
class Failed:
    """A server's error, with the page that a proxy shows."""

    status: int = 500


@dataclass(frozen=True)
class Cut:
    """The connection ends instead of an answer."""


@dataclass(frozen=True)
class Delayed:
    """The answer comes, `seconds` later; to be put before or after the effect like the others."""

    seconds: float


Fault = RateLimited | Failed | Cut | Delayed


@dataclass
class Plan:
    """`fault` for the next `times` requests whose "METHOD /path" matches the glob `on`."""

    fault: Fault
    on: str
    times: int
    after: bool


class Faults:
    """The faults to come, in the order in which they were ordered."""

    def __init__(self) -> None:
        self._plans: list[Plan] = []

    def add(self, fault: Fault, on: str, *, times: int = 1, after: bool = False) -> None:
        """Orders a fault: before the request has any effect, or after it had."""
        self._plans.append(Plan(fault, on, times, after))

    def take(self, method: str, path: str) -> Plan | None:
        """The fault that this request meets."""
        for plan in self._plans:
            if plan.times and fnmatch.fnmatchcase(f"{method} {path}", plan.on):
                plan.times -= 1
                return plan
        return None

    def outstanding(self) -> list[Plan]:
        """Faults that no request has met."""
        return [plan for plan in self._plans if plan.times]


async def meet(fault: Fault, request: web.Request) -> web.Response | None:
    """The answer in place of the true one; None where the true one is given after all."""
    match fault:
        case Delayed(seconds):
            await asyncio.sleep(seconds)
            return None
        case Cut():
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        case Failed(status):
            return web.Response(status=status, text="<html>upstream</html>", content_type="text/html")
        case RateLimited():
            return _rate_limited(fault)
        case _:
            assert_never(fault)


def _rate_limited(fault: RateLimited) -> web.Response:
    body = {"message": "You are being rate limited.", "retry_after": fault.retry_after, "global": fault.everywhere}
    headers = {"Content-Type": "application/json", "Retry-After": str(fault.retry_after)}
    if fault.via:
        headers |= {"Via": "1.1 google", "X-RateLimit-Scope": "global" if fault.everywhere else "user"}
    if fault.everywhere:
        headers["X-RateLimit-Global"] = "true"
    return web.Response(status=429, headers=headers, body=json.dumps(body).encode())
