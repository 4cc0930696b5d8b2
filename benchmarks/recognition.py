"""How fast and how accurate are the speech recognition engines?

    python benchmarks/recognition.py [--creatives 12] [--quick]

Prints seconds per creative and the word error rate. Both engines use the same weights and one
thread, on the first demonstration creatives. Figures are medians of three
rounds, in which the engines take turns.
"""

from __future__ import annotations

import csv
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import jiwer  # noqa: E402

from benchmarks import common  # noqa: E402
from classifier.media import decode  # noqa: E402
from classifier.speech.recognition import load_transcriber  # noqa: E402
from classifier.speech.types import Transcriber  # noqa: E402
from classifier.speech.weights import PACKAGED_NAME, packaged_whisper  # noqa: E402
from tests.ct2_to_openai import convert  # noqa: E402

ROUNDS = 3


def main() -> None:
    parser = common.options(__doc__)
    parser.add_argument("--creatives", type=int, default=12)
    options = parser.parse_args()
    count, round_count = (1, 1) if options.quick else (options.creatives, ROUNDS)
    with (ROOT / "demo" / "scripts.csv").open(encoding="utf-8", newline="") as file:
        scripts = [row for row in csv.DictReader(file) if row["text"]][:count]
    clips = [decode(ROOT / "demo" / "creatives" / row["file"]).audio for row in scripts]
    weights = common.weights()
    packaged = packaged_whisper(weights / PACKAGED_NAME)
    with tempfile.TemporaryDirectory() as folder:
        convert(packaged, Path(folder) / "whisper.pt")
        openai = load_transcriber("openai-whisper", folder, weights_folder=weights, beam_size=1)
        engines: dict[str, Transcriber] = {
            "faster-whisper int8, beam 5": load_transcriber(weights_folder=weights),
            "faster-whisper int8, beam 1": load_transcriber(weights_folder=weights, beam_size=1),
            "openai-whisper fp32, greedy": openai,
        }
        seconds: dict[str, list[float]] = {name: [] for name in engines}
        transcripts: dict[str, list[str]] = {}
        for _ in range(round_count):
            for name, engine in engines.items():
                found, taken = common.timed(lambda engine=engine: list(engine.transcribe(clips)))
                transcripts[name] = [transcript.text for transcript in found]
                seconds[name].append(taken / len(clips))
    alternative_seconds = statistics.median(seconds["openai-whisper fp32, greedy"])
    references = [normalised(row["text"]) for row in scripts]
    print(f"{len(clips)} creatives of {statistics.mean(len(c) / 16000 for c in clips):.1f} s")
    print(f"{'engine':30} {'s a creative':>12} {'ratio':>6} {'WER':>6}")
    for name, rounds in seconds.items():
        median = statistics.median(rounds)
        wer = jiwer.wer(references, [normalised(text) for text in transcripts[name]])
        print(f"{name:30} {median:12.2f} {median / alternative_seconds:6.2f} {wer:6.3f}")


def normalised(text: str) -> str:
    """Normalise for the word error rate: lower case, no punctuation, ё as е.

    Digits and spelt numbers stay different and count as errors.
    """
    letters = "".join(c if c.isalnum() else " " for c in text.lower().replace("ё", "е"))
    return " ".join(letters.split())


if __name__ == "__main__":
    main()
