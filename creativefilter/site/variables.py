"""The reader of environment variables: strict, and it names all that are wrong at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import dj_database_url
from environs import Env, EnvError, EnvValidationError, ValidationError

from creativefilter.site.rate import rate
from creativefilter.site.segment_mix import segment_mix

# What the library says of a value, and what is said beside it.
_ALLOWED = {
    "Not a valid boolean.": "true or false is needed",
    "Not a valid integer.": "a whole number is needed",
    "Not a valid number.": "a number is needed",
    "Not a valid log level.": "one of DEBUG, INFO, WARNING, ERROR is needed",
}
# In the place of a required value that is wrong or absent, until ``seal`` ends the start.
_STAND_INS: dict[str, Any] = {"str": "", "list": [], "database": {"ENGINE": "", "NAME": ""}}
_ENGINES = {"django.db.backends.sqlite3", "django.db.backends.postgresql"}


class Variables(Env):
    """``environs.Env`` that goes on with the default after a value that is wrong.

    The settings call ``seal`` when they have read everything.
    """

    def __init__(self) -> None:
        super().__init__(eager=False)
        self.add_parser("rate", rate)
        self.add_parser("segment_mix", segment_mix)
        self.add_parser("database", _database)

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        readers = ("bool", "float", "int", "list", "log_level", "str")
        return functools.partial(self._read, name, found) if name in readers else found

    def __getattr__(self, name: str) -> Any:
        return functools.partial(self._read, name, super().__getattr__(name))

    def _read(
        self, kind: str, read: Callable[..., Any], name: str, default: Any = ..., **options: Any
    ) -> Any:
        value = read(name, default, **options)
        if name not in self._errors:
            return value
        # The default of a database is an address that is still to be parsed.
        return _STAND_INS.get(kind) if default is ... or kind == "database" else default

    def seal(self) -> None:
        """End the reading; raises ``EnvError`` with a line for each variable that is wrong."""
        wrong = dict(self._errors)
        try:
            super().seal()
        except EnvValidationError:
            raise EnvError("\n".join(map(_sentence, wrong, wrong.values()))) from None


def _sentence(name: str, messages: list[str]) -> str:
    said = " ".join(
        f"{text} ({_ALLOWED[text]})" if text in _ALLOWED else str(text) for text in messages
    )
    return f'Environment variable "{name}" invalid: {said}'


def _database(url: str, **options: Any) -> dict[str, Any]:
    """The database of a URL; raises ``ValidationError`` for what Django would not know."""
    try:
        found = dict(dj_database_url.parse(url, **options))
    except Exception as error:
        raise ValidationError(_DATABASE_NEEDED) from error
    if found.get("ENGINE") not in _ENGINES:
        raise ValidationError(_DATABASE_NEEDED)
    return found


_DATABASE_NEEDED = "an address such as postgres://user:password@host/name is needed"
