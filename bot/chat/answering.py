"""A question put to the fleet: whatever happens, there is one Answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.chat.asked import Asked
from bot.exchange import Answer, Outcome, Paragraph, Wants
from bot.fleet.connection import AskTooLarge
from bot.fleet.port import EvaluatorFleet, FleetAbsent, FleetLost, FleetUnfit, Progress
from bot.languages import nearest
from bot.log import Log
from explainers.locale import Translator
from explainers.messages import Message, said

LONGEST_SECONDS: Final = 14 * 60.0
"""In a queue and answered; an interaction can be answered for 15 minutes."""

CARD: Final = Wants(card=True)
FAILED: Final = said("Something of mine broke, which is my fault: ask again.")

UNFIT: Final = said("I evaluate nothing here: the jail for code is weaker than my settings accept. Tell who runs me.")


@dataclass(frozen=True)
class Answerer:
    """Asks the fleet, and speaks for it where it can't."""

    fleet: EvaluatorFleet
    translators: Mapping[str, Translator]
    log: Log

    async def answer(self, id: int, asked: Asked, wants: Wants, on_progress: Progress = lambda _news: None) -> Answer:
        """The Answer, ours where the fleet has none; cancelling cancels the work."""
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                return await self.fleet.answer(asked.ask(id, wants), on_progress)
        except FleetUnfit as unfit:
            self.log.error("not answered", ask=id, reason=str(unfit))
            message = UNFIT
        except FleetAbsent as absent:
            self.log.error("not answered", ask=id, reason=str(absent))
            message = said("My evaluator is not there yet: ask again in a minute.")
        except FleetLost as lost:
            self.log.error("not answered", ask=id, reason=str(lost))
            message = said("My evaluator went away while it worked on your question: ask again in a minute.")
        except TimeoutError:
            self.log.error("not answered", ask=id, reason="took too long")
            message = said("My evaluator did not answer in time: ask again in a minute.")
        except AskTooLarge:
            return self.stopped(
                id, asked, "too-large", said("Your message is too long: send only what computes the loss.")
            )
        except Exception as error:  # the asker waits for an answer
            self.log.error("not answered", ask=id, error=type(error).__name__)
            message = FAILED
        return self.stopped(id, asked, "crashed", message)

    def stopped(self, id: int, asked: Asked, outcome: Outcome, message: Message) -> Answer:
        """An Answer of our own, in the asker's language."""
        speaking = self.speaking(asked.language)
        verdict = message.say(speaking)
        return Answer(
            id=str(id),
            outcome=outcome,
            language=speaking.locale,
            verdict=verdict,
            text=f"{verdict}\n",
            alt_text="",
            paragraphs=(Paragraph("verdict", verdict),),
        )

    def speaking(self, locale: str) -> Translator:
        """The translator of a locale as Discord names it ("en-US", "ja"), else the fallback."""
        return self.translators[nearest(locale, self.translators)]
