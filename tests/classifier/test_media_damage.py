"""Damaged files give what can be read, and report how much that is."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import av
import pytest
from damaged import damaged, whole_files
from samples import make_media

from classifier.errors import ErrorCode, MediaError
from classifier.media import SAMPLE_RATE, decode
from classifier.media.container import packets
from classifier.media.tracks import Damage

pytestmark = pytest.mark.usefixtures("scratch")


@pytest.mark.parametrize("kind", ["avi", "flv", "webm", "wbm", "wav", "mp3"])
def test_truncated_file_gives_the_part_that_is_left(tmp_path: Path, kind: str) -> None:
    path = make_media(tmp_path / f"cut.{kind}", 6.0)
    os.truncate(path, path.stat().st_size * 6 // 10)
    media = decode(path)
    assert media.probe.partial
    assert media.probe.share_read == pytest.approx(0.6, abs=0.05)
    assert media.probe.declared_seconds == pytest.approx(6.0, abs=0.1)
    assert len(media.audio) == pytest.approx(3.6 * SAMPLE_RATE, abs=0.15 * SAMPLE_RATE)
    if media.probe.video_codec:
        assert [round(frame.seconds, 1) for frame in media.frames][-1] == pytest.approx(3.1)


def test_truncated_ogg_is_recognised_by_its_missing_last_page(tmp_path: Path) -> None:
    path = make_media(tmp_path / "cut.ogg", 6.0)
    os.truncate(path, path.stat().st_size * 6 // 10)
    media = decode(path)
    assert media.probe.partial
    assert 2.0 < len(media.audio) / SAMPLE_RATE < 4.0


def test_truncated_mp4_with_its_index_in_front_is_read(tmp_path: Path) -> None:
    path = make_media(tmp_path / "fast.mp4", 6.0, options={"movflags": "faststart"})
    os.truncate(path, path.stat().st_size * 6 // 10)
    media = decode(path)
    assert media.probe.partial
    assert media.probe.share_read == pytest.approx(0.6, abs=0.05)


def test_truncated_mp4_without_its_index_is_damaged(tmp_path: Path) -> None:
    path = make_media(tmp_path / "cut.mp4", 6.0)
    os.truncate(path, path.stat().st_size * 6 // 10)
    with pytest.raises(MediaError) as caught:
        decode(path)
    assert caught.value.code is ErrorCode.DAMAGED


@pytest.mark.parametrize("kind", ["avi", "flv", "webm", "mp3", "ogg"])
def test_hole_in_the_middle_loses_only_that_part(tmp_path: Path, kind: str) -> None:
    path = make_media(tmp_path / f"hole.{kind}", 12.0)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    path.write_bytes(content)
    media = decode(path)
    assert 0.6 < media.probe.share_read < 1.0
    # Silence replaces what is lost, so that later sound keeps its time.
    assert len(media.audio) == pytest.approx(12.0 * SAMPLE_RATE, abs=0.5 * SAMPLE_RATE)
    if media.probe.video_codec:
        assert media.frames[-1].seconds > 10.0


def test_absurd_packet_size_loses_only_what_follows(tmp_path: Path) -> None:
    path = make_media(tmp_path / "sizes.mp4", 6.0, options={"movflags": "faststart"})
    content = bytearray(path.read_bytes())
    for table in (content.index(b"stsz"), content.rindex(b"stsz")):
        count = int.from_bytes(content[table + 12 : table + 16], "big")
        entry = table + 16 + 4 * (count * 2 // 3)
        content[entry : entry + 4] = (0x7FFFFFF0).to_bytes(4, "big")
    path.write_bytes(content)
    media = decode(path)
    assert media.probe.partial
    assert media.probe.share_read == pytest.approx(2 / 3, abs=0.05)
    assert media.frames[-1].seconds > 3.5


def test_damaged_files_end_with_a_result_or_an_error_code(
    tmp_path: Path, children: Callable[[int], list[int]]
) -> None:
    """Every fifth of the seeded cases, so that every kind of damage and every container occurs."""
    files = whole_files(tmp_path, 1.5)
    assert all(decode(path).audio.size for path in files)
    before = children(os.getpid())
    codes = [
        *(ErrorCode.DAMAGED, ErrorCode.NOT_MEDIA, ErrorCode.NO_STREAMS),
        *(ErrorCode.EMPTY, ErrorCode.UNSUPPORTED_CODEC),
    ]
    outcomes: Counter[str] = Counter()
    for name, kind, content in islice(damaged(files, each=1, seed=7), 0, None, 5):
        path = tmp_path / "damaged"
        path.write_bytes(content)
        outcomes[outcome_of(path)] += 1
        assert outcomes.keys() <= {"whole", "partial", *codes}, (name, kind)
    assert outcomes.total() >= 50
    assert outcomes["partial"] >= 20
    assert children(os.getpid()) == before


def outcome_of(path: Path) -> str:
    try:
        return "partial" if decode(path).probe.partial else "whole"
    except MediaError as error:
        return error.code


class FailingContainer:
    """A container whose demuxer fails at every tenth packet; real files fail only at the end."""

    def __init__(self, path: Path) -> None:
        with av.open(str(path)) as container:
            self.remaining = [packet for packet in container.demux() if packet.size]
        self.read = 0

    def demux(self, _: object) -> Iterator[av.Packet]:
        while self.remaining:
            self.read += 1
            if self.read % 10 == 0:
                raise IndexError("list index out of range")
            yield self.remaining.pop(0)
        raise EOFError


def test_packets_continue_after_demuxer_errors(tmp_path: Path) -> None:
    container, damage = FailingContainer(make_media(tmp_path / "spot.mp3", 2.0)), Damage()
    count_of_packets = len(container.remaining)
    assert len(list(packets(container, [], damage))) == count_of_packets > 80
    assert damage.bad == pytest.approx(count_of_packets / 9, abs=2)


def test_header_that_declares_too_much_data_makes_the_file_partial(tmp_path: Path) -> None:
    path = make_media(tmp_path / "long.wav", 6.0)
    content = bytearray(path.read_bytes())
    data = content.index(b"data")
    for position, size in ((4, 200_000_000), (data + 4, 199_999_000)):
        content[position : position + 4] = size.to_bytes(4, "little")
    path.write_bytes(content)
    media = decode(path)
    assert len(media.audio) == 6 * SAMPLE_RATE
    assert media.probe.partial
    assert media.probe.declared_seconds == pytest.approx(200_000_000 / 192_000, rel=0.01)
    assert media.probe.share_read < 0.01
