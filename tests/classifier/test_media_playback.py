"""Files that browsers play: sound stored as wav, pictures stored as JPEG."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest
from samples import picture, tone

from classifier.media import SAMPLE_RATE, encode_jpeg, read_wav, write_wav


def test_sound_comes_back_as_it_was_written(tmp_path: Path) -> None:
    audio = tone(1.5, SAMPLE_RATE)
    write_wav(tmp_path / "spot.wav", audio)
    read = read_wav(tmp_path / "spot.wav")
    assert read.dtype == np.float32
    assert len(read) == len(audio)
    assert np.abs(read - audio).max() < 1 / 32767
    with wave.open(str(tmp_path / "spot.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)


def test_full_scale_does_not_wrap_around(tmp_path: Path) -> None:
    write_wav(tmp_path / "loud.wav", np.array([1.0, -1.0, 1.5, -1.5, 0.0], np.float32))
    assert read_wav(tmp_path / "loud.wav").tolist() == [1.0, -1.0, 1.0, -1.0, 0.0]


def test_no_sound_is_a_valid_wav(tmp_path: Path) -> None:
    write_wav(tmp_path / "none.wav", np.empty(0, np.float32))
    assert read_wav(tmp_path / "none.wav").shape == (0,)


def test_other_wavs_are_refused_rather_than_misread(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "cd.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(bytes(400))
    (tmp_path / "text.wav").write_text("Скидки")
    (tmp_path / "empty.wav").touch()
    for name in ("cd.wav", "text.wav", "empty.wav"):
        with pytest.raises(ValueError, match=name):
            read_wav(tmp_path / name)


def test_a_picture_becomes_a_jpeg_of_its_size_and_colour() -> None:
    from PIL import Image

    image = picture(2.0, 120, 80)
    with Image.open(io.BytesIO(encode_jpeg(image))) as opened:
        assert (opened.format, opened.size, opened.mode) == ("JPEG", (120, 80), "RGB")
        assert np.abs(np.asarray(opened).astype(int) - image).max() < 12
