"""The setting SEGMENT_MIX, and the refusal to start with a wrong setting."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from environs import ValidationError

from classifier.segments import NUMBERS
from creativefilter.site.segment_mix import segment_mix

ROOT = Path(__file__).resolve().parent.parent


def mix(**changed: str) -> str:
    """Return a mix with share 2 for each segment; ``s3="7"`` changes one, ``s3=""`` omits it."""
    shares = {str(number): "2" for number in NUMBERS} | {k[1:]: v for k, v in changed.items()}
    return ",".join(f"{number}:{share}" for number, share in shares.items() if share)


def test_an_empty_text_means_the_shares_of_the_training_data() -> None:
    assert segment_mix("") is segment_mix("  ") is None


def test_shares_are_accepted_in_any_unit_and_order() -> None:
    shares = [f" {number} : {number / 4}" for number in reversed(NUMBERS)]
    assert segment_mix(",".join(shares)) == {number: number / 4 for number in NUMBERS}


def test_segments_may_be_left_out_and_added_ones_named() -> None:
    assert segment_mix("0:54,19:2.5") == {0: 54.0, 19: 2.5}
    assert segment_mix("6:54,1:3") == {0: 54.0, 1: 3.0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("54", "reads like"),
        ("0:half", "reads like"),
        (f"{mix()},0:1", "once"),
        (mix(s6="1"), "once"),
        ("-1:3,0:1", "by its number"),
        (mix(s3="-1"), "negative"),
        (mix(s3="nan"), "finite"),
        (mix(s3="inf"), "finite"),
        (",".join(f"{number}:0" for number in NUMBERS), "above 0"),
    ],
)
def test_wrong_texts_are_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        segment_mix(text)


def test_a_wrong_setting_stops_the_start() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import creativefilter.settings"],
        cwd=ROOT, env={**os.environ, "TARGET_PRECISION": "95"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert 'Environment variable "TARGET_PRECISION" invalid' in done.stderr
