"""What was asked of this Discord, and what of it a correct client does not ask."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.loopback_discord.entities import Json


@dataclass(eq=False)
class Request:
    """One request; `began` and `ended` are the event loop's seconds, `status` 0 while it runs or where it was cut."""

    method: str
    path: str
    body: Json | list[Json]
    files: tuple[str, ...]
    began: float
    status: int = 0
    ended: float = 0.0

    def __str__(self) -> str:
        return f"{self.method} {self.path} → {self.status}"


@dataclass(eq=False)
class Ledger:
    """`violations` are sentences: the request, and the rule it breaks."""

    requests: list[Request] = field(default_factory=list[Request])
    violations: list[str] = field(default_factory=list[str])

    def broken(self, request: Request, rule: str) -> None:
        self.violations.append(f"{request.method} {request.path}: {rule}")

    def asked(self, method: str, path_end: str) -> list[Request]:
        """The requests of this method whose path ends so."""
        return [each for each in self.requests if each.method == method and each.path.endswith(path_end)]
