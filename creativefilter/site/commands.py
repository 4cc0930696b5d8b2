"""The base of all management commands: paths are checked first, every end is a sentence.

Exit statuses: 0 all right, 1 the work failed or a part of it, 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core import management
from django.core.management import base
from django.core.management.base import CommandError as CommandError
from django.core.management.base import CommandParser
from django.utils import translation
from django.utils.translation import gettext as _

from creativefilter import __version__
from creativefilter.site.private_files import keep_private
from creativefilter.site.sentences import sentence_of

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130


class UsageError(CommandError):
    """Wrong arguments, paths or settings: nothing was begun."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, returncode=WRONG_USE)


class BaseCommand(base.BaseCommand):
    """A command that ends with a sentence and an exit status, and never with a traceback.

    ``handle`` lets errors pass: those for people become a ``CommandError`` here. Paths among the
    arguments have a type of this module, so that they are checked before anything is done.
    """

    help: Any = ""  # also a lazy translation, which argparse does not take
    _failed_part = ""

    def get_version(self) -> str:
        return __version__

    def done_so_far(self) -> str:
        """Say what was done until now, for somebody who interrupts the command."""
        return _("The command can be repeated.")

    def part_failed(self, sentence: str) -> None:
        """Let the command end with this sentence and 1: a part of the work failed."""
        self._failed_part = sentence

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        self.help = str(self.help)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except CommandError:
            raise
        except Exception as error:
            if sentence := sentence_of(error):
                raise CommandError(sentence) from error
            raise

    def run_from_argv(self, argv: list[str]) -> None:
        """Run from the command line; exits unless all went well."""
        self._called_from_command_line = True
        with _terminal(), _exits("--traceback" in argv, self.done_so_far):
            parser = self.create_parser(argv[0], argv[1])
            options = vars(parser.parse_args(argv[2:]))
            positional = options.pop("args", ())
            self.execute(*positional, **options)
            sys.stdout.flush()
        if self._failed_part:
            _end(FAILED, self._failed_part)


# Types of arguments. What they raise passes through argparse.


def existing_file(text: str) -> Path:
    """A file to be read."""
    path = Path(text)
    if path.is_dir():
        raise UsageError(_("%s is a folder, and a file is needed.") % path)
    return _readable(path, _("There is no file %s."))


def existing_folder(text: str) -> Path:
    """A folder to be read."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise UsageError(_("%s is a file, and a folder is needed.") % path)
    return _readable(path, _("There is no folder %s."))


def existing_path(text: str) -> Path:
    """A file or a folder to be read."""
    return _readable(Path(text), _("There is no file %s."))


def output_file(*suffixes: str) -> Callable[[str], Path]:
    """A file to be written whose name ends in one of these."""

    def check(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower() not in suffixes:
            raise _unwritable(path, _("its name has to end in %s.") % ", ".join(suffixes))
        return written_file(text)

    return check


def written_file(text: str) -> Path:
    """A file to be written, whatever its name."""
    path = Path(text)
    if path.is_dir():
        raise _unwritable(path, _("it is a folder."))
    return _writable(path)


def output_folder(text: str) -> Path:
    """A folder to be made or replaced."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise _unwritable(path, _("it is a file."))
    return _writable(path)


def port_number(text: str) -> int:
    """A port that a web server can have."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise UsageError(_("%s is no port: a number from 1 to 65535 is needed.") % text)
    return int(text)


def at_least_one(text: str) -> int:
    """A number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(_("%s is no number from 1 on.") % text)
    return int(text)


def _readable(path: Path, missing: str) -> Path:
    if not path.exists():
        raise UsageError(missing % path)
    if not os.access(path, os.R_OK):
        raise UsageError(_("There is no permission for %s.") % path)
    return path


def _writable(path: Path) -> Path:
    folder = path.absolute().parent
    if not folder.is_dir():
        raise _unwritable(path, _("there is no folder %s.") % folder)
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise _unwritable(path, _("there is no permission."))
    return path


def _unwritable(path: Path, why: str) -> UsageError:
    return UsageError(_("%(path)s can't be written: %(why)s") % {"path": path, "why": why})


def progress_bar(total: int, **options: Any) -> Any:
    """Progress on standard error, so that the output can be piped; silent where nobody looks."""
    from tqdm import tqdm

    return tqdm(total=total, file=sys.stderr, disable=None, **options)


def main(argv: list[str]) -> None:
    """Run ``manage.py``; an error of the settings, too, is a sentence."""
    if argv[1:] in (["--version"], ["version"]):
        print(__version__)  # Django would say its own
        return
    if argv[1:2] != ["collectstatic"]:  # what everybody may read
        keep_private()
    try:
        management.execute_from_command_line(argv)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)  # before a command had begun
    except Exception as error:
        if "--traceback" in argv:
            raise
        if not settings.configured:
            _end(WRONG_USE, str(error))
        _end(FAILED, sentence_of(error) or _unexpected(error))


@contextmanager
def _terminal() -> Iterator[None]:
    """The language of the reader, streams that take every letter, no chatter of libraries."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # By line: whoever reads from a pipe gets each result when it is known.
            stream.reconfigure(errors="replace", line_buffering=True)
    root = logging.getLogger()
    level = root.level
    if "LOG_LEVEL" not in os.environ:
        root.setLevel(max(level, logging.WARNING))
    # SIGTERM ends a command as Ctrl-C does.
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with translation.override(_language_of_reader()):
            yield
    finally:
        signal.signal(signal.SIGTERM, previous)
        root.setLevel(level)


def _language_of_reader() -> str:
    """The language that the locale of the terminal names, if there is a translation."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, names), "")
    known = (code for code, _name in settings.LANGUAGES if locale.lower().startswith(code))
    return next(known, settings.LANGUAGE_CODE)


@contextmanager
def _exits(with_traceback: bool, done_so_far: Callable[[], str]) -> Iterator[None]:
    """Turn whatever is raised into a sentence and an exit status."""
    try:
        yield
    except KeyboardInterrupt:
        _end(INTERRUPTED, _("Interrupted."), done_so_far())
    except BrokenPipeError:
        _end(FAILED)  # whoever read the output has seen enough
    except Exception as error:
        if with_traceback:
            traceback.print_exc()
        if isinstance(error, CommandError):
            _end(error.returncode, str(error))
        _end(FAILED, sentence_of(error) or _unexpected(error))


def _unexpected(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    return _("Unexpected error (%s). The option --traceback shows where it happened.") % text


def _end(status: int, *sentences: str) -> NoReturn:
    with suppress(OSError):
        print(*filter(None, sentences), file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        # The interpreter would flush once more, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
