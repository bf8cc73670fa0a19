"""Stand-ins for what a snippet needs and nobody defines, so that the asker's own lines can run."""

from bot.reading.sketches.sketching import sketches

__all__ = ["sketches"]
