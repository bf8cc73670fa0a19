"""Discord's error answers."""

from __future__ import annotations

from typing import Any, Final

from tests.loopback_discord.entities import Json

Place = tuple[str | int, ...]
"""Where in a body: keys and indices from the outside in."""


class Refusal(Exception):
    """An answer that is no success; `is_violation` where a correct client never causes it."""

    def __init__(self, status: int, code: int, message: str, *, is_violation: bool = False) -> None:
        super().__init__(f"{status} {message} ({code})")
        self.status = status
        self.is_violation = is_violation
        self.body: Json = {"message": message, "code": code}


class InvalidForm(Refusal):
    """400 for a body that breaks a rule at `path`; `code` is told beside the reason."""

    def __init__(self, path: Place, reason: str, *, code: str = "INVALID", is_violation: bool = True) -> None:
        super().__init__(400, 50035, "Invalid Form Body", is_violation=is_violation)
        self.path = path
        self.args = (f"{'.'.join(map(str, path)) or 'body'}: {reason}",)
        problem: dict[str, Any] = {"_errors": [{"code": code, "message": reason}]}
        for part in reversed(path):
            problem = {str(part): problem}
        self.body["errors"] = problem


class Unauthorized(Refusal):
    def __init__(self) -> None:
        super().__init__(401, 0, "401: Unauthorized")


class MissingAccess(Refusal):
    def __init__(self) -> None:
        super().__init__(403, 50001, "Missing Access")


class MissingPermissions(Refusal):
    def __init__(self) -> None:
        super().__init__(403, 50013, "Missing Permissions")


_UNKNOWN: Final = {
    "Channel": 10003,
    "Message": 10008,
    "User": 10013,
    "Webhook": 10015,
    "Interaction": 10062,
    "Guild": 10004,
    "Application Command": 10063,
}


class Unknown(Refusal):
    """404 for what does not exist, or no more."""

    def __init__(self, what: str, *, is_violation: bool = False) -> None:
        super().__init__(404, _UNKNOWN[what], f"Unknown {what}", is_violation=is_violation)
