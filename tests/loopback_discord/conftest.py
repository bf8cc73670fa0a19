from tests.loopback_discord.fixtures import loopback

__all__ = ["loopback"]
