"""Base class of all management commands, and argument types that check paths and numbers.

Commands end with a sentence instead of a traceback. Exit statuses: 0 success, 1 the work or a part
of it failed, 2 wrong use, 130 interrupted.
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
    """Wrong arguments, paths or settings; the command has not started its work."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, returncode=WRONG_USE)


class BaseCommand(base.BaseCommand):
    """A command that ends with a sentence and an exit status instead of a traceback.

    ``handle`` does not catch errors: ``execute`` turns those meant for people into a
    ``CommandError``. Arguments that are paths use a type of this module, so that they are checked
    before the work starts.
    """

    help: Any = ""  # may be a lazy translation, which argparse does not accept
    _failed_part = ""

    def get_version(self) -> str:
        return __version__

    def done_so_far(self) -> str:
        """Return a sentence about what was done so far, shown if the command is interrupted."""
        return _("The command can be repeated.")

    def part_failed(self, sentence: str) -> None:
        """Make the command end with this sentence and exit status 1: a part of the work failed."""
        self._failed_part = sentence

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        self.help = str(self.help)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command.

        Raises:
            CommandError: Raised by the command, or in place of an error with a sentence for people
                (``site.sentences``). Other exceptions pass unchanged.
        """
        try:
            return super().execute(*args, **options)
        except CommandError:
            raise
        except Exception as error:
            if sentence := sentence_of(error):
                raise CommandError(sentence) from error
            raise

    def run_from_argv(self, argv: list[str]) -> None:
        """Run from the command line; exit with a status other than 0 unless all went well."""
        self._called_from_command_line = True
        with _terminal(), _exits("--traceback" in argv, self.done_so_far):
            parser = self.create_parser(argv[0], argv[1])
            options = vars(parser.parse_args(argv[2:]))
            positional = options.pop("args", ())
            self.execute(*positional, **options)
            sys.stdout.flush()
        if self._failed_part:
            _end(FAILED, self._failed_part)


# Types of arguments. argparse does not catch the ``UsageError`` that they raise.


def existing_file(text: str) -> Path:
    """Return the path of a file to be read.

    Raises:
        UsageError: It is a folder, is missing or can't be read.
    """
    path = Path(text)
    if path.is_dir():
        raise UsageError(_("%s is a folder, and a file is needed.") % path)
    return _readable(path, _("There is no file %s."))


def existing_folder(text: str) -> Path:
    """Return the path of a folder to be read.

    Raises:
        UsageError: It is a file, is missing or can't be read.
    """
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise UsageError(_("%s is a file, and a folder is needed.") % path)
    return _readable(path, _("There is no folder %s."))


def existing_path(text: str) -> Path:
    """Return the path of a file or folder to be read.

    Raises:
        UsageError: It is missing or can't be read.
    """
    return _readable(Path(text), _("There is no file %s."))


def output_file(*suffixes: str) -> Callable[[str], Path]:
    """Return a type for a file to be written whose name ends in one of the suffixes.

    The type raises ``UsageError`` if the name ends otherwise, or if the path is that of a folder or
    can't be written.

    Args:
        suffixes: In lower case, with the dot.
    """

    def check(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower() not in suffixes:
            raise _unwritable(path, _("its name has to end in %s.") % ", ".join(suffixes))
        return written_file(text)

    return check


def written_file(text: str) -> Path:
    """Return the path of a file to be written.

    Raises:
        UsageError: It is a folder or can't be written.
    """
    path = Path(text)
    if path.is_dir():
        raise _unwritable(path, _("it is a folder."))
    return _writable(path)


def output_folder(text: str) -> Path:
    """Return the path of a folder to be created or replaced.

    Raises:
        UsageError: It is a file or can't be written.
    """
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise _unwritable(path, _("it is a file."))
    return _writable(path)


def port_number(text: str) -> int:
    """Return a port number.

    Raises:
        UsageError: It is no number from 1 to 65535.
    """
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise UsageError(_("%s is not a port: a number from 1 to 65535 is needed.") % text)
    return int(text)


def at_least_one(text: str) -> int:
    """Return a whole number of at least 1.

    Raises:
        UsageError: The text is not a whole number, or the number is below 1.
    """
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(_("%s is not a positive integer.") % text)
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
    """Return a progress bar on standard error; disabled if that is not a terminal.

    Args:
        total: Number of steps.
        options: Options of ``tqdm``.
    """
    from tqdm import tqdm

    return tqdm(total=total, file=sys.stderr, disable=None, **options)


def main(argv: list[str]) -> None:
    """Run ``manage.py``; errors of the settings, too, end with a sentence and an exit status."""
    if argv[1:] in (["--version"], ["version"]):
        print(__version__)  # Django would print its own version
        return
    if argv[1:2] != ["collectstatic"]:  # static files are public
        keep_private()
    try:
        management.execute_from_command_line(argv)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)  # interrupted before the command started
    except Exception as error:
        if "--traceback" in argv:
            raise
        if not settings.configured:
            _end(WRONG_USE, str(error))
        _end(FAILED, sentence_of(error) or _unexpected(error))


@contextmanager
def _terminal() -> Iterator[None]:
    """Set up the process for a command at a terminal.

    Activates the reader's language, makes the streams replace letters that they can't encode,
    raises the log level to WARNING unless LOG_LEVEL is set, and makes SIGTERM act as Ctrl-C.
    Log level, language and SIGTERM are restored afterwards; the streams stay as they are set here.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Line buffering, so that a program that reads from a pipe gets each result at once.
            stream.reconfigure(errors="replace", line_buffering=True)
    root = logging.getLogger()
    level = root.level
    if "LOG_LEVEL" not in os.environ:
        root.setLevel(max(level, logging.WARNING))
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with translation.override(_language_of_reader()):
            yield
    finally:
        signal.signal(signal.SIGTERM, previous)
        root.setLevel(level)


def _language_of_reader() -> str:
    """Return the language of the terminal's locale if it has a translation, else the default."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, names), "")
    matches = (code for code, _name in settings.LANGUAGES if locale.lower().startswith(code))
    return next(matches, settings.LANGUAGE_CODE)


@contextmanager
def _exits(with_traceback: bool, done_so_far: Callable[[], str]) -> Iterator[None]:
    """Turn an exception into a sentence and an exit status."""
    try:
        yield
    except KeyboardInterrupt:
        _end(INTERRUPTED, _("Interrupted."), done_so_far())
    except BrokenPipeError:
        _end(FAILED)  # the reader of the pipe has closed it, as ``head`` does
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
    """Print sentences on standard error and exit."""
    with suppress(OSError):
        print(*filter(None, sentences), file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        # Otherwise the interpreter would flush again at exit and print an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
