"""Debian's Tesseract: one process reads all strips of a creative."""

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
_SECONDS_A_STRIP = 2.0
_WORD_LEVEL = "5"


@dataclass(frozen=True, slots=True)
class Word:
    """``text`` without white space, confidence 0 to 1."""

    text: str
    confidence: float


class Tesseract:
    """The program and its languages. Raises ``ScreenUnavailable`` without it or its Russian."""

    def __init__(self) -> None:
        try:
            # Some releases list them on the one stream, some on the other.
            listed = _run("--list-langs", seconds=_START_SECONDS, stderr=subprocess.STDOUT)
            version = _run("--version", seconds=_START_SECONDS, stderr=subprocess.STDOUT)
        except OSError as error:
            raise ScreenUnavailable(ScreenCode.NO_ENGINE) from error
        except subprocess.SubprocessError as error:
            raise _failed(error) from error
        there = {line.strip() for line in listed.splitlines()[1:]}
        self.version = version.partition("\n")[0].strip()
        if RUSSIAN not in there:
            raise ScreenUnavailable(ScreenCode.NO_RUSSIAN)
        # Words that make no sense in Russian are tried in Latin letters: domains, foreign brands.
        self._languages = f"{RUSSIAN}+{LATIN}" if LATIN in there else RUSSIAN

    def read(self, strips: Sequence[Strip]) -> list[tuple[Word, ...]]:
        """The words of each strip, in the same order; nothing for a strip without any."""
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
                    seconds=_START_SECONDS + _SECONDS_A_STRIP * len(strips),
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
    """Tesseract's TSV: level, page, block, paragraph, line, word, four of place, conf, text."""
    found: list[list[Word]] = [[] for _ in range(strips)]
    for row in table.splitlines():
        cells = row.split("\t")
        if cells[0] == _WORD_LEVEL and len(cells) == 12 and cells[11].strip():
            confidence = min(max(float(cells[10]) / 100, 0.0), 1.0)
            found[int(cells[1]) - 1].append(Word(cells[11].strip(), confidence))
    return [tuple(words) for words in found]


def _run(
    *arguments: str, seconds: float, check: bool = False, stderr: int = subprocess.DEVNULL
) -> str:
    done = subprocess.run(
        ["tesseract", *arguments],
        # Its OpenMP threads spend more on waiting for each other than on reading one line.
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
        timeout=seconds, check=check, encoding="utf-8", errors="replace",
    )  # fmt: skip
    return done.stdout
