"""From a path to a decision, without web, queue or database: what the command line runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.errors import ErrorCode, MediaError
from classifier.media import Limits, Media, decode
from classifier.text import assess_transcript

if TYPE_CHECKING:
    from classifier.asr import Transcriber
    from classifier.text_model import TextModel, TextPrediction

# Files decoded while another is transcribed: enough to keep the recogniser busy, few in memory.
DECODE_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Decision:
    """What was found out about one file.

    Exactly one of these holds: ``error`` is set; ``prediction`` is set; neither, because nobody
    speaks in it. ``seconds`` is the length of what was decoded.
    """

    path: Path
    error: ErrorCode | None = None
    detail: str = ""
    seconds: float | None = None
    transcript: str = ""
    prediction: TextPrediction | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Decoder, recogniser and text model, joined. One broken file never stops the rest."""

    transcriber: Transcriber
    model: TextModel
    limits: Limits = field(default_factory=Limits)

    def classify(self, paths: Sequence[Path]) -> Iterator[Decision]:
        """One decision for each path, in their order, as soon as it is known."""
        with ThreadPoolExecutor(DECODE_AHEAD) as pool:
            ahead: list[tuple[Path, Future[Media]]] = []
            waiting = iter(paths)
            while True:
                while len(ahead) <= DECODE_AHEAD and (path := next(waiting, None)):
                    ahead.append((path, pool.submit(decode, path, self.limits)))
                if not ahead:
                    return
                yield self._decide(*ahead.pop(0))

    def _decide(self, path: Path, decoding: Future[Media]) -> Decision:
        try:
            media = decoding.result()
        except MediaError as error:
            return Decision(path, error=error.code, detail=error.detail)
        [heard] = self.transcriber.transcribe([media.audio])
        speech = assess_transcript(heard.utterances)
        prediction = self.model.predict([speech.text])[0] if speech.spoken else None
        return Decision(
            path,
            seconds=media.probe.decoded_seconds,
            transcript=speech.text,
            prediction=prediction,
        )
