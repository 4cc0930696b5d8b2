"""Strict reader of environment variables that reports all wrong ones in one error."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import dj_database_url
from environs import Env, EnvError, EnvValidationError, ValidationError

from creativefilter.site.rate import rate
from creativefilter.site.segment_mix import segment_mix

# Messages of environs, and the hint that is added to them.
_ALLOWED = {
    "Not a valid boolean.": "true or false is needed",
    "Not a valid integer.": "a whole number is needed",
    "Not a valid number.": "a number is needed",
    "Not a valid log level.": "one of DEBUG, INFO, WARNING, ERROR is needed",
}
# Values of required variables that are wrong or absent, used until ``seal`` raises.
_STAND_INS: dict[str, Any] = {"str": "", "list": [], "database": {"ENGINE": "", "NAME": ""}}
_ENGINES = {"django.db.backends.sqlite3", "django.db.backends.postgresql"}


class Variables(Env):
    """``environs.Env`` that returns the default for a wrong value and reports it in ``seal``.

    The settings call ``seal`` after they have read all variables.
    """

    def __init__(self) -> None:
        super().__init__(eager=False)
        self.add_parser("rate", rate)
        self.add_parser("segment_mix", segment_mix)
        self.add_parser("database", _database)

    def __getattribute__(self, name: str) -> Any:
        attribute = super().__getattribute__(name)
        readers = ("bool", "float", "int", "list", "log_level", "str")
        return functools.partial(self._read, name, attribute) if name in readers else attribute

    def __getattr__(self, name: str) -> Any:
        return functools.partial(self._read, name, super().__getattr__(name))

    def _read(
        self, kind: str, read: Callable[..., Any], name: str, default: Any = ..., **options: Any
    ) -> Any:
        value = read(name, default, **options)
        if name not in self._errors:
            return value
        # A database's default is an unparsed address, so its stand-in is used instead.
        return _STAND_INS.get(kind) if default is ... or kind == "database" else default

    def seal(self) -> None:
        """End the reading.

        Raises:
            EnvError: Variables are wrong or missing; the message has a line for each.
        """
        wrong = dict(self._errors)
        try:
            super().seal()
        except EnvValidationError:
            raise EnvError("\n".join(map(_sentence, wrong, wrong.values()))) from None


def _sentence(name: str, messages: list[str]) -> str:
    reasons = " ".join(
        f"{text} ({_ALLOWED[text]})" if text in _ALLOWED else str(text) for text in messages
    )
    return f'Environment variable "{name}" invalid: {reasons}'


def _database(url: str, **options: Any) -> dict[str, Any]:
    """Parse a database URL; raises ``ValidationError`` unless it is SQLite's or PostgreSQL's."""
    try:
        database = dict(dj_database_url.parse(url, **options))
    except Exception as error:
        raise ValidationError(_DATABASE_NEEDED) from error
    if database.get("ENGINE") not in _ENGINES:
        raise ValidationError(_DATABASE_NEEDED)
    return database


_DATABASE_NEEDED = "an address such as postgres://user:password@host/name is needed"
