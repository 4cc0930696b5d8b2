"""Classification of media files without web, queue or database, as the command line does it."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.decision.spot_shape import measure
from classifier.decision.types import SpotFeatures
from classifier.errors import ErrorCode, MediaError, ScreenUnavailable
from classifier.media import Limits, Media, decode
from classifier.pictures.frames import evenly
from classifier.speech.cleaning import Speech, assess_transcript

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.decision.bundle import Bundle
    from classifier.decision.types import Prediction
    from classifier.pictures.types import PictureEncoder
    from classifier.screen import ScreenReader
    from classifier.speech.types import Transcriber, Transcript

logger = logging.getLogger(__name__)

# Files decoded while another is transcribed: the recogniser stays busy, memory stays small.
DECODE_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Decision:
    """The result for one file: either ``error`` or ``prediction`` is set.

    ``detail``: the technical cause of ``error``, for logs. ``seconds``: the length of the decoded
    media. ``transcript``: the text without Whisper's hallucinations. ``screen``: the words read
    from the frames, line by line.
    """

    path: Path
    error: ErrorCode | None = None
    detail: str = ""
    seconds: float | None = None
    transcript: str = ""
    screen: str = ""
    prediction: Prediction | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Decoder, recogniser, screen reader, picture encoder and bundle in a row.

    A broken file does not stop the others. Without ``reader`` predictions have no channel
    ``screen``, without ``encoder`` no channel ``pictures``.
    """

    transcriber: Transcriber
    bundle: Bundle
    reader: ScreenReader | None = None
    encoder: PictureEncoder | None = None
    limits: Limits = field(default_factory=Limits)

    def classify(self, paths: Sequence[Path]) -> Generator[Decision, None, None]:
        """Yield one decision for each path, in the order of ``paths``, as soon as it is known."""
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
        [transcript] = self.transcriber.transcribe([media.audio])
        speech = assess_transcript(transcript.utterances)
        screen = self._screen(path, media)
        [prediction] = self.bundle.predict([self._features(media, transcript, speech, screen)])
        return Decision(
            path,
            seconds=media.probe.decoded_seconds,
            transcript=speech.text,
            screen=screen,
            prediction=prediction,
        )

    def _features(
        self, media: Media, transcript: Transcript, speech: Speech, screen: str
    ) -> SpotFeatures:
        utterances = transcript.utterances if speech.spoken else ()
        return SpotFeatures(
            speech=speech.text if speech.spoken else "",
            screen=screen,
            vectors=self._pictures(media),
            shape=measure(media.audio, media.frames, media.probe.decoded_seconds, utterances),
        )

    def _screen(self, path: Path, media: Media) -> str:
        if self.reader is None:
            return ""
        try:
            return self.reader.read(media.frames).text
        except ScreenUnavailable as error:
            logger.warning("%s: %s", path, error)
            return ""

    def _pictures(self, media: Media) -> dict[str, NDArray[np.float32]]:
        if self.encoder is None or not media.frames:
            return {}
        return {self.encoder.name: self.encoder.encode(evenly(media.frames))}
