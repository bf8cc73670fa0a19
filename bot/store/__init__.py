"""What outlives a restart: which question has which reply. Ids and times only, never a word of a message."""

from bot.store.claims import KEPT_SECONDS, Claim, Claims, State, opened

__all__ = ["KEPT_SECONDS", "Claim", "Claims", "State", "opened"]
