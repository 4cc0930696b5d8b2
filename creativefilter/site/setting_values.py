"""Validators of settings. Each raises ``ValidationError`` for a wrong value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from environs import ValidationError

from classifier.speech.languages import LANGUAGES

KEY_LENGTH = 50
_HOST = re.compile(r"\*|\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)


def key_or_none(text: str) -> None:
    """Accept a key of at least ``KEY_LENGTH`` characters, or "" for none.

    Raises:
        ValidationError: The key is too short.
    """
    if 0 < len(text) < KEY_LENGTH:
        raise ValidationError(f"{KEY_LENGTH} characters at least are needed, or none at all")


def secret_keys(texts: Iterable[str]) -> None:
    """Accept keys of at least ``KEY_LENGTH`` characters.

    Raises:
        ValidationError: A key is too short. An empty one would let anyone sign.
    """
    if any(len(text) < KEY_LENGTH for text in texts):
        raise ValidationError(f"{KEY_LENGTH} characters at least are needed for each key")


def web_address(text: str) -> None:
    """Accept an http or https address, or "" for none.

    Raises:
        ValidationError: It is another text.
    """
    if text and not _is_address(text, ("http", "https")):
        raise ValidationError(
            f"{text!r} is no address: it begins with https:// or http://, then a host"
        )


def web_addresses(texts: Iterable[str]) -> None:
    """Accept texts that ``web_address`` accepts."""
    for text in texts:
        web_address(text)


def broker_address(text: str) -> None:
    """Accept the address of a Redis server, or "" for the embedded broker.

    Raises:
        ValidationError: It is another text, which the message does not repeat: it may contain a
            password.
    """
    if text and not _is_address(text, ("redis", "rediss")):
        raise ValidationError("an address such as redis://localhost:6379/0 is needed")


def broker_server(text: str) -> None:
    """Accept the address of a Redis server; production has no embedded broker.

    Raises:
        ValidationError: It is another text or "".
    """
    broker_address(text or "none")


def host_names(names: Iterable[str]) -> None:
    """Accept host names without scheme, port and path, as ``ALLOWED_HOSTS`` needs them.

    Raises:
        ValidationError: One of them is another text.
    """
    for name in names:
        if not _HOST.fullmatch(name):
            raise ValidationError(
                f"{name!r} is no name of a host: without http://, port and path, such as "
                "creatives.example"
            )


def time_zone(name: str) -> None:
    """Accept a name of the time zone database.

    Raises:
        ValidationError: The database has no such name.
    """
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise ValidationError(f"{name!r} is no time zone, such as Europe/Moscow") from error


def language(code: str) -> None:
    """Accept the code of a language of Whisper, or "" for detection.

    Raises:
        ValidationError: Whisper has no such language.
    """
    if code and code not in LANGUAGES:
        known = ", ".join(sorted(LANGUAGES))
        raise ValidationError(f"{code!r} is none of the languages of Whisper: {known}")


def _is_address(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 (raises ValueError if it is no number)
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname)
