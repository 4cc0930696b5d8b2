"""Tesseract from the operating system: one process reads all strips of a creative."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from classifier.errors import ScreenCode, ScreenUnavailable
from classifier.screen.strips import Strip

RUSSIAN = "rus"
LATIN = "eng"
_SINGLE_LINE = "7"
_START_SECONDS = 20.0
_SECONDS_PER_STRIP = 2.0
_WORD_LEVEL = "5"


@dataclass(frozen=True, slots=True)
class Word:
    """A word without white space, with its confidence, 0 to 1."""

    text: str
    confidence: float


class Tesseract:
    """The installed Tesseract with its languages.

    Raises:
        ScreenUnavailable: Tesseract or its Russian data is missing, or it fails.
    """

    def __init__(self) -> None:
        """Find out the version and the installed languages.

        Raises:
            ScreenUnavailable: Tesseract or its Russian data is missing, or it fails.
        """
        try:
            # Some releases print the list on standard output, some on standard error.
            listed = _run("--list-langs", seconds=_START_SECONDS, stderr=subprocess.STDOUT)
            version = _run("--version", seconds=_START_SECONDS, stderr=subprocess.STDOUT)
        except OSError as error:
            raise ScreenUnavailable(ScreenCode.NO_ENGINE) from error
        except subprocess.SubprocessError as error:
            raise _failed(error) from error
        languages = {line.strip() for line in listed.splitlines()[1:]}
        self.version = version.partition("\n")[0].strip()
        if RUSSIAN not in languages:
            raise ScreenUnavailable(ScreenCode.NO_RUSSIAN)
        # Words that make no sense in Russian are tried in Latin letters: domains, foreign brands.
        self._languages = f"{RUSSIAN}+{LATIN}" if LATIN in languages else RUSSIAN

    def read(self, strips: Sequence[Strip]) -> list[tuple[Word, ...]]:
        """Return the words of each strip, in the order of the strips; () for one without text.

        Raises:
            ScreenUnavailable: Tesseract fails or takes too long.
            OSError: The strips can't be written: the disk is full, for example.
        """
        if not strips:
            return []
        with TemporaryDirectory(prefix="screen-") as name:
            folder = Path(name)
            listed = folder / "strips.txt"
            listed.write_text("\n".join(_write(folder, *pair) for pair in enumerate(strips)))
            try:
                table = _run(
                    str(listed), "stdout", "-l", self._languages, "--psm", _SINGLE_LINE,
                    "--dpi", "300", "-c", "tessedit_do_invert=0", "-c", "tessedit_create_tsv=1",
                    seconds=_START_SECONDS + _SECONDS_PER_STRIP * len(strips),
                    check=True,
                )  # fmt: skip
            except (OSError, subprocess.SubprocessError) as error:
                raise _failed(error) from error
        return _words(table, len(strips))


def _failed(error: Exception) -> ScreenUnavailable:
    return ScreenUnavailable(ScreenCode.FAILED, {"reason": type(error).__name__})


def _write(folder: Path, number: int, strip: Strip) -> str:
    height, width = strip.shape
    path = folder / f"{number}.pgm"
    path.write_bytes(b"P5 %d %d 255\n" % (width, height) + strip.tobytes())
    return str(path)


def _words(table: str, strips: int) -> list[tuple[Word, ...]]:
    """Parse Tesseract's TSV: level, page, block, paragraph, line, word, 4 of place, conf, text."""
    words_of_strips: list[list[Word]] = [[] for _ in range(strips)]
    for row in table.splitlines():
        cells = row.split("\t")
        if cells[0] == _WORD_LEVEL and len(cells) == 12 and cells[11].strip():
            confidence = min(max(float(cells[10]) / 100, 0.0), 1.0)
            words_of_strips[int(cells[1]) - 1].append(Word(cells[11].strip(), confidence))
    return [tuple(words) for words in words_of_strips]


def _run(
    *arguments: str, seconds: float, check: bool = False, stderr: int = subprocess.DEVNULL
) -> str:
    completed = subprocess.run(
        ["tesseract", *arguments],
        # Its OpenMP threads spend more time waiting for each other than reading one line.
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
        timeout=seconds, check=check, encoding="utf-8", errors="replace",
    )  # fmt: skip
    return completed.stdout
