"""Settings: config.toml and the environment, read once in main and passed down as one frozen value.

`WHYLOSS_LIMITS__WALL_SECONDS=2` in the environment goes before the file, and the file before the defaults.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as UnreadableVariable

KIB: Final = 1024
MIB: Final = 1024 * KIB
PREFIX: Final = "WHYLOSS_"
VARIABLE: Final = "WHYLOSS_CONFIG"
"""Names the file where `--config` does not."""

DEFAULT_FILE: Final = Path("config.toml")

BELOW_FLOOR: Final = 3
"""Exit status where the jail is weaker than `evaluator.sandbox_floor` accepts."""

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


class SettingsError(ValueError):
    """The file or the environment holds something that is no setting; says what, where, and what may stand there."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LimitSettings(_Section):
    """Of one question, and of the jailed child that runs its snippet; config.example.toml explains each."""

    wall_seconds: Seconds = 5.0
    cpu_seconds: Count = 4
    memory_mb: Count = 512
    message_kb: Annotated[int, Field(ge=1, le=32)] = 32
    files_mb: Annotated[int, Field(ge=1, le=1)] = 1
    recording_mb: Count = 8
    answer_mb: Count = 8
    output_kb: Count = 16
    reruns: Annotated[int, Field(ge=0, le=8)] = 8


class EvaluatorSettings(_Section):
    """Where the service listens, and how weak a jail it may start with."""

    socket: Path = Path("/run/whyloss/evaluator.sock")
    sandbox_floor: Literal["A", "B", "C"] = "C"


class FairnessSettings(_Section):
    """How the questions of many share the cores; config.example.toml explains each."""

    waiting: Count = 64
    waiting_each: Count = 3
    asker_seconds: Seconds = 30.0
    asker_seconds_a_minute: Seconds = 15.0
    guild_questions: Count = 30
    guild_questions_a_minute: Count = 30
    all_questions: Count = 120
    all_questions_a_minute: Count = 240


class ExplainerSettings(_Section):
    """Of the long-lived process that derives, proves and draws."""

    memory_mb: Count = 1024
    deadline_seconds: Seconds = 10.0
    jobs_before_replacement: Count = 300


class DiscordSettings(_Section):
    """Of the bot. Its token is no setting: only the bot's own process may hold it."""

    token_file: Path = Path("/run/secrets/discord_token")
    forum_channels: tuple[int | str, ...] = ()
    message_content: bool = True


class StoreSettings(_Section):
    """Where it is kept which question has which reply."""

    url: str = "sqlite+aiosqlite:///whyloss.sqlite3"


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="__",
    )

    limits: LimitSettings = LimitSettings()
    evaluator: EvaluatorSettings = EvaluatorSettings()
    explainer: ExplainerSettings = ExplainerSettings()
    fairness: FairnessSettings = FairnessSettings()
    discord: DiscordSettings = DiscordSettings()
    store: StoreSettings = StoreSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before what is given, which is the file's content."""
        return EnvSettingsSource(settings_cls), init_settings


def load(config: Path | None = None) -> Settings:
    """The settings of `config`, else of the file that WHYLOSS_CONFIG names, else of ./config.toml where there is one.

    Raises SettingsError.
    """
    named = config or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    path = named or DEFAULT_FILE
    _check_names(os.environ)
    content = _content(path) if named is not None or path.exists() else {}
    try:
        return Settings(**content)
    except (ValidationError, UnreadableVariable) as error:
        said = _said(error) if isinstance(error, ValidationError) else str(error)
        raise SettingsError(f"{said} (read from {path} and the environment; see config.example.toml)") from None


def environment_of(settings: Settings) -> dict[str, str]:
    """Variables that give an evaluator service the same settings where it inherits nothing else."""
    sections = settings.model_dump(mode="json", exclude={"discord", "store"})
    return {f"{PREFIX}{name.upper()}": json.dumps(value) for name, value in sections.items()}


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}; name another file with --config") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}; compare it with config.example.toml") from None


def _check_names(variables: Iterable[str]) -> None:
    """Raises SettingsError for one that begins like a setting of a section and lacks an underscore."""
    sections = "|".join(Settings.model_fields).upper()
    for name in variables:
        if found := re.fullmatch(f"({PREFIX}(?:{sections}))_([A-Z].*)", name):
            raise SettingsError(
                f"{name} sets nothing; two underscores stand after the section: {'__'.join(found.groups())}"
            )


def _said(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {_problem(each['type'], each['msg'])}" for each in problems)


def _problem(type: str, words: str) -> str:
    match type:
        case "extra_forbidden":
            return "there is no such setting"
        case "tuple_type":
            return 'a list belongs here, such as [1234567890, "help"]'
        case _:
            return words
