"""Archives: every member is taken in, or refused by name."""

from __future__ import annotations

import io
import zipfile
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from creativefilter.creatives.intake import archive_jobs, archives
from creativefilter.creatives.models import Creative
from creativefilter.jobs import recovery, stage_runner
from creativefilter.jobs.models import Job
from creativefilter.site.codes import CodedError
from tests.fuzz.mutations import packed as packed_as_is

pytestmark = pytest.mark.django_db(transaction=True)


def packed(*members: tuple[str, bytes], **options: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def started(content: bytes, owner: Any = None, **ids: str) -> Job:
    return archive_jobs.start(ContentFile(content), "spots.zip", owner, ids)


def unpacked(content: bytes, owner: Any = None, **ids: str) -> Job:
    job = started(content, owner, **ids)
    assert stage_runner.run_stage(str(job.pk), job.stage, "w") is None
    job.refresh_from_db()
    return job


def test_an_archive_with_overlapping_members_is_refused_on_upload(folders: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("0.wav", bytes(1_000))
        archive.writestr("last.wav", b"x")
        for number in range(1, 100):
            again = copy(archive.filelist[0])
            again.filename = f"{number}.wav"
            archive.filelist.append(again)
    with pytest.raises(CodedError) as refused:
        started(out.getvalue())
    assert refused.value.code == "archive_overlap"
    assert not Job.objects.exists()


def test_every_member_becomes_a_creative(folders: Path, analyst: Any) -> None:
    content = packed(("spots/71.wav", b"a"), ("72.mp4", b"b"), ("__MACOSX/._71.wav", b"x"))
    # Russian Windows writes names in cp866.
    content = _with_cp866_name(content, "Весна.avi", b"c")
    job = unpacked(content, analyst, **{"весна.avi": "73"})
    assert job.state == Job.State.DONE, job.error_detail
    assert job.result == {"new": 3, "known": 0, "refused": 0, "refusals": []}
    found = dict(Creative.objects.values_list("advertisement_id", "name"))
    assert found == {"71": "71.wav", "72": "72.mp4", "73": "Весна.avi"}
    assert {row.created_by for row in Creative.objects.all()} == {analyst}
    jobs = Job.objects.exclude(pk=job.pk)
    assert {(each.owner, each.urgency) for each in jobs} == {(analyst, Job.Urgency.BATCH)}
    # No message was published; the sweep publishes them later.
    assert {each.pk for each in recovery.sweep()} == {each.pk for each in jobs}
    assert not default_storage.exists(job.params["archive"])


def _with_cp866_name(content: bytes, name: str, body: bytes) -> bytes:
    """Add a member whose name is in cp866, which the archive does not state."""
    placeholder = "Q" * len(name)
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(placeholder, body)
    return out.getvalue().replace(placeholder.encode(), name.encode("cp866"))


def test_a_bad_member_does_not_stop_the_others(folders: Path, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    content = packed(("1.wav", b"a" * 10), ("2.wav", b"b" * 5000), ("3.wav", b"c" * 10))
    broken = bytearray(packed(("4.wav", b"spoilt" * 20), ("5.wav", b"whole")))
    broken[45] ^= 0xFF
    first, second = unpacked(content), unpacked(bytes(broken))
    assert first.result
    assert second.result
    assert (first.result["new"], first.result["refused"]) == (2, 1)
    assert first.result["refusals"][0]["file"] == "2.wav"
    assert (second.result["new"], second.result["refusals"][0]["file"]) == (1, "4.wav")
    assert sorted(Creative.objects.values_list("advertisement_id", flat=True)) == ["1", "3", "5"]


def test_archives_that_unpack_to_too_much_are_refused(
    folders: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPLOAD_MAX_BYTES = 100_000
    monkeypatch.setattr(archive_jobs, "TOTAL", 1)
    bomb = packed(*((f"{n}.wav", bytes(60_000)) for n in range(5)))
    with pytest.raises(CodedError) as refused:
        started(bomb)
    assert refused.value.code == "archive_too_large"
    assert not Job.objects.exists()
    # The limit also holds while unpacking: here it shrinks after the archive was accepted.
    monkeypatch.setattr(archive_jobs, "TOTAL", 9)
    job = started(bomb)
    monkeypatch.setattr(archive_jobs, "TOTAL", 1)
    stage_runner.run_stage(str(job.pk), job.stage, "w")
    job.refresh_from_db()
    assert job.result
    assert (job.result["new"], job.result["refused"]) == (1, 4)


def test_a_second_attempt_takes_no_member_twice(folders: Path) -> None:
    job = started(packed(("1.wav", b"a"), ("2.wav", b"b")))
    running = stage_runner.claim(str(job.pk), job.stage, "w")
    assert running is not None
    archive_jobs.unpack(running)  # the worker dies before it saves the outcome
    assert recovery.release_lost_claim(str(job.pk), job.stage, "w", "worker_lost", "")
    stage_runner.run_stage(str(job.pk), job.stage, "w")
    job.refresh_from_db()
    assert job.result == {"new": 0, "known": 2, "refused": 0, "refusals": []}
    assert Creative.objects.count() == 2
    assert Job.objects.count() == 3


def test_unpacking_ends_its_turn_and_continues_later(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("creativefilter.site.lanes.TURN_SECONDS", 0)
    job = started(packed(("1.wav", b"a"), ("2.wav", b"a"), ("3.wav", b""), ("4.wav", b"d")))
    for turn in range(1, 4):
        again = stage_runner.run_stage(str(job.pk), job.stage, "w")
        assert again is not None
        assert (again.state, again.progress, again.attempts) == (Job.State.QUEUED, 25 * turn, 0)
        assert again.published_at is None
    assert stage_runner.run_stage(str(job.pk), job.stage, "w") is None
    job.refresh_from_db()
    assert job.state == Job.State.DONE
    assert job.result
    assert (job.result["new"] + job.result["known"], job.result["refused"]) == (3, 1)
    assert [row["file"] for row in job.result["refusals"]] == ["3.wav"]


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 no archive", packed(), packed((".hidden", b"x")), packed(("a/", b""))],
)
def test_non_archives_and_empty_archives_are_refused(content: bytes, folders: Path) -> None:
    with pytest.raises(CodedError):
        started(content)
    assert not Job.objects.exists()


def test_too_many_members_are_refused(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MEMBERS_MAX", 2)
    with pytest.raises(CodedError, match="2"):
        started(packed(*((f"{n}.wav", b"") for n in range(3))))


def test_a_member_behind_a_password_is_refused_with_its_reason(folders: Path) -> None:
    content = bytearray(packed(("1.wav", b"a")))
    # The flag of encryption, in the local and in the central header.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    job = unpacked(bytes(content))
    assert job.result
    assert job.result["refused"] == 1
    assert "парол" in job.result["refusals"][0]["message"]


def test_members_with_an_empty_or_undecodable_name_do_not_stop_the_others(
    folders: Path,
) -> None:
    nameless = unpacked(packed_as_is([("", b"a" * 10, 8), ("1.wav", b"b" * 10, 8)]))
    assert (nameless.state, nameless.result["new"]) == (Job.State.DONE, 2)
    # The local header declares the name as UTF-8, which is false.
    content = bytearray(packed(("2.wav", b"c" * 10), ("3.wav", b"d" * 10)))
    content[7] |= 0x08
    content[30] = 0x81
    broken = unpacked(bytes(content))
    assert (broken.state, broken.result["new"], broken.result["refused"]) == ("done", 1, 1)


def test_a_member_that_lies_before_the_archive_is_refused(folders: Path) -> None:
    content = packed(("4.wav", b"e" * 10), ("5.wav", b"f" * 10))
    # Without the first byte all offsets are off by one: the first member is at -1.
    job = unpacked(content[1:])
    assert (job.state, job.result["refused"]) == (Job.State.DONE, 1)
