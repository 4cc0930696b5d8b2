"""Speech recognition with the real weights on the demonstration creatives."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.errors import WeightsError
from classifier.media import decode
from classifier.speech.recognition import SpeechCut, load_transcriber
from classifier.speech.types import Transcriber, Transcript, Utterance
from classifier.speech.weights import PACKAGED_NAME
from tests.ct2_to_openai import convert
from tests.sentences import sentence_of

DEMO = Path(__file__).resolve().parents[2] / "demo"
RATE = 16_000
ENGINES = ("faster-whisper", "openai-whisper")
PARITY = ("90000001.ogg", "90000006.mp4", "90000009.flv")

pytestmark = pytest.mark.weights

Audio = NDArray[np.float32]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def faster(weights: Path) -> Transcriber:
    return load_transcriber(weights_folder=weights)


@pytest.fixture(scope="module")
def checkpoint(faster: Transcriber, weights: Path) -> Iterator[Path]:
    """A folder with the packaged weights as an openai-whisper checkpoint."""
    folder = weights / "checkpoint"
    folder.mkdir()
    convert(weights / PACKAGED_NAME, folder / "whisper.pt")
    yield folder
    (folder / "whisper.pt").unlink()  # 290 MB


@pytest.fixture(scope="module")
def transcribers(faster: Transcriber, weights: Path, checkpoint: Path) -> dict[str, Transcriber]:
    """Both engines as in production, with voice activity detection."""
    openai = load_transcriber(
        "openai-whisper", str(checkpoint), weights_folder=weights, beam_size=1
    )
    return {"faster-whisper": faster, "openai-whisper": openai}


@pytest.fixture(scope="module")
def scripts() -> dict[str, str]:
    with (DEMO / "scripts.csv").open(encoding="utf-8") as file:
        return {row["file"]: row["text"] for row in csv.DictReader(file) if row["text"]}


def demo_audio(name: str) -> Audio:
    audio: Audio = decode(DEMO / "creatives" / name).audio
    return audio


def silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * RATE), np.float32)


def noise(seconds: float) -> Audio:
    generator = np.random.default_rng(0)
    return 0.2 * generator.standard_normal(round(seconds * RATE), np.float32)


def music(seconds: float) -> Audio:
    """Return a sequence of four chords, two beats a second, with overtones and a drum."""
    beat = RATE // 2
    time = np.arange(beat) / RATE
    drum = np.random.default_rng(0).standard_normal(beat) * np.exp(-40 * time)
    chords = ((220, 277, 330), (196, 247, 294), (174, 220, 262), (147, 185, 220))
    beats = []
    for number in range(round(seconds * 2)):
        tones = [
            np.sin(2 * np.pi * note * overtone * time) / overtone
            for note in chords[number // 2 % 4]
            for overtone in (1, 2, 3)
        ]
        beats.append(np.sum(tones, axis=0) * np.exp(-3 * time) + drum)
    joined: Audio = np.concatenate(beats).astype(np.float32)
    joined *= 0.5 / np.abs(joined).max()
    return joined


def words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower().replace("ё", "е")))


def assert_times_in_order(transcript: Transcript, seconds: float) -> None:
    before = 0.0
    for utterance in transcript.utterances:
        assert before <= utterance.start <= utterance.end <= seconds
        before = utterance.start


def test_importing_loads_no_heavy_library() -> None:
    code = (
        "import sys, classifier.speech.recognition, classifier.speech.weights;"
        "heavy = {'ctranslate2', 'faster_whisper', 'torch', 'whisper', 'onnxruntime', 'av'};"
        "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_creatives_are_transcribed_in_order(faster: Transcriber, scripts: dict[str, str]) -> None:
    names = ("90000014.wav", "90000002.avi")
    clips = [demo_audio(name) for name in names]
    transcripts = faster.transcribe(clips)
    for name, clip, transcript in zip(names, clips, transcripts, strict=True):
        assert (transcript.language, transcript.engine) == ("ru", "faster-whisper")
        assert transcript.model == "whisper-base"
        assert jiwer.wer(words(scripts[name]), words(transcript.text)) < 0.6
        assert_times_in_order(transcript, len(clip) / RATE)
        for utterance in transcript.utterances:
            assert utterance.avg_logprob < 0
            assert 0 <= utterance.no_speech_prob <= 1


@pytest.mark.parametrize("engine", ENGINES)
def test_sounds_without_speech_give_no_utterances(
    transcribers: dict[str, Transcriber], engine: str
) -> None:
    sounds = [silence(8), noise(8), music(12), demo_audio("90000038.mp4")]
    for transcript in transcribers[engine].transcribe(sounds):
        assert transcript.utterances == ()
        assert transcript.text == ""


@pytest.mark.parametrize("engine", ENGINES)
def test_odd_arrays_are_no_error(transcribers: dict[str, Transcriber], engine: str) -> None:
    nan = np.full(2 * RATE, np.nan, np.float32)
    infinite = np.full(2 * RATE, np.inf, np.float32)
    odd = [silence(0), silence(0.05), noise(0.099), noise(0.11), nan, infinite]
    assert [t.utterances for t in transcribers[engine].transcribe(odd)] == [()] * 6
    assert transcribers[engine].transcribe([]) == []
    with pytest.raises(ValueError, match="mono"):
        transcribers[engine].transcribe([np.zeros((2, RATE), np.float32)])


@pytest.mark.parametrize("engine", ENGINES)
def test_times_are_those_of_the_original_audio(
    transcribers: dict[str, Transcriber], engine: str
) -> None:
    speech = demo_audio("90000014.wav")
    speech[RATE // 2] = np.nan
    clip = np.concatenate([silence(10), speech, silence(10)])
    (transcript,) = transcribers[engine].transcribe([clip])
    assert transcript.engine == engine
    spoken_until = 10 + len(speech) / RATE
    assert_times_in_order(transcript, spoken_until + 1)
    assert transcript.utterances[0].start >= 9.5
    assert transcript.utterances[-1].end > spoken_until - 4


def test_times_are_mapped_across_removed_parts() -> None:
    # Speech at 2-5 s and 10-12 s: Whisper gets 5 s.
    cut = SpeechCut(np.zeros(5 * RATE, np.float32), ((2 * RATE, 5 * RATE), (10 * RATE, 12 * RATE)))
    times = [(0.0, 1.0), (1.0, 3.0), (3.0, 4.5), (2.5, 3.5), (4.5, 9.0)]
    placed = [cut.restore(Utterance(start, end, "", -0.1, 0.0)) for start, end in times]
    assert [(utterance.start, utterance.end) for utterance in placed] == [
        (2.0, 3.0),
        (3.0, 5.0),
        (10.0, 11.5),
        (4.5, 10.5),
        (11.5, 12.0),
    ]


def test_an_utterance_past_the_end_ends_with_the_audio() -> None:
    samples = 11 * RATE + 13_801  # no whole number of milliseconds
    whole = SpeechCut(np.zeros(samples, np.float32), ((0, samples),))
    placed = whole.restore(Utterance(11.0, 29.98, "", -0.1, 0.0))
    assert (placed.start, placed.end) == (11.0, samples / RATE)


def test_the_language_is_detected_when_none_is_given(weights: Path, faster: Transcriber) -> None:
    transcriber = load_transcriber(weights_folder=weights, language=None, beam_size=1)
    spoken, silent = transcriber.transcribe([demo_audio("90000014.wav"), silence(3)])
    assert spoken.language == "ru"
    assert silent.language == ""


def test_both_engines_give_the_same_text_with_the_same_weights(
    faster: Transcriber, weights: Path, checkpoint: Path
) -> None:
    sources = {"faster-whisper": "packaged", "openai-whisper": str(checkpoint)}
    clips = [demo_audio(name) for name in PARITY]
    texts = {}
    for engine, model in sources.items():
        transcriber = load_transcriber(
            engine,
            model,
            weights_folder=weights,
            compute_type="float32",
            beam_size=1,
            vad=False,
        )
        texts[engine] = [words(transcript.text) for transcript in transcriber.transcribe(clips)]
    assert all(len(text.split()) > 10 for text in texts["faster-whisper"])
    assert jiwer.wer(texts["openai-whisper"], texts["faster-whisper"]) <= 0.02


@pytest.mark.parametrize(
    ("engine", "model", "options", "sentence"),
    [
        ("siri", "packaged", {}, "Unknown speech recognition engine “siri”"),
        ("openai-whisper", "packaged", {}, "packaged weights are for faster-whisper"),
        ("faster-whisper", "/no/such/folder", {}, "No speech recognition model"),
        ("openai-whisper", "/no/such/folder", {}, "No speech recognition model"),
        ("faster-whisper", "packaged", {"device": "abacus"}, "cannot load the model “packaged”"),
        ("faster-whisper", "packaged", {"compute_type": "int3"}, "cannot load the model"),
        ("openai-whisper", "tiny", {"compute_type": "int8"}, "cannot compute in int8"),
        ("faster-whisper", "tiny", {}, "cannot load the model “tiny”"),
        ("openai-whisper", "tiny", {}, "cannot load the model “tiny”"),
    ],
)
def test_loading_errors_have_a_sentence(
    faster: Transcriber,
    weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    model: str,
    options: dict[str, Any],
    sentence: str,
) -> None:
    for variable in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(
            variable, "http://127.0.0.1:9"
        )  # a closed port: the hub can't be reached
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(WeightsError) as error:
        load_transcriber(engine, model, weights_folder=weights, **options)
    assert re.search(sentence, sentence_of(error.value, "en"))
    assert re.search("[а-я]{3}", sentence_of(error.value, "ru"))
    assert str(error.value).startswith(error.value.code)


def test_a_damaged_checkpoint_raises_weights_error(tmp_path: Path) -> None:
    for damaged in (b"not a checkpoint", b""):
        (tmp_path / "whisper.pt").write_bytes(damaged)
        with pytest.raises(WeightsError, match="not_a_checkpoint"):
            load_transcriber("openai-whisper", str(tmp_path), weights_folder=tmp_path)
    (tmp_path / "model.bin").write_bytes(b"not a model")
    with pytest.raises(WeightsError, match="model_not_loaded"):
        load_transcriber("faster-whisper", str(tmp_path), weights_folder=tmp_path)
