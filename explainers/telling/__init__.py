"""What an explanation says, in a reader's language."""

from explainers.telling.telling import Context, Told, tell

__all__ = ["Context", "Told", "tell"]
