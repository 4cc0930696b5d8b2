"""How long does the look-up of near duplicates take among 100,000 creatives?

    python benchmarks/duplicates.py look-up

Fingerprints are spliced from those of 1,000 generated spots: five seconds of sound from each of
four spots, and halves of pictures, so that flat areas fill the index as those of real pictures do.
Rows and keys are written in bulk, without the code that analyses creatives. Keys that this code
would leave out (``CROWDED``) are left out here, too. The baseline is a linear scan with numpy.
"""

from __future__ import annotations

import os
import pickle
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CREATIVES = int(os.environ.get("CREATIVES", "100000"))
SOURCES = int(os.environ.get("SOURCES", "1000"))
LOOK_UPS, SCANS, STORED, IN_FAMILIES = 100, 2, 30, 0.3
TARGET_SECONDS = 0.050
ROOT = Path(__file__).resolve().parent.parent
Times = list[tuple[float, float]]  # each call's seconds, and its seconds of CPU


def make_prints(path: Path) -> None:
    """Write ``CREATIVES`` fingerprints to a pickle file; takes about seven minutes of CPU."""
    from benchmarks import duplicate_spots as spots
    from classifier.fingerprints import fingerprint_of

    sources = []
    for number in range(SOURCES):
        one = spots.spot(number, (10, 15, 20, 30)[number % 4], pictures=True)
        sources.append(fingerprint_of(one.sound, spots.evenly(one.shots, 16), one.speech))
    random = np.random.default_rng(0)
    path.write_bytes(pickle.dumps([spliced(sources, random) for _ in range(CREATIVES)]))


def look_up(made: Path) -> None:
    prints = pickle.loads(made.read_bytes())  # noqa: S301 - written above
    fill(prints)
    measure_look_ups(prints)
    measure_storing(prints)
    measure_grouping()


# Filling


def fill(prints: list[Any]) -> None:
    from creativefilter.creatives.models import FingerprintKey

    started = time.perf_counter()
    rows = write_rows(prints)
    rows_written_at = time.perf_counter()
    count = write_keys(prints, rows)
    keys_written_at = time.perf_counter()
    assert FingerprintKey.objects.count() == count
    print(
        f"{len(prints)} creatives written in {rows_written_at - started:.0f} s, "
        f"{count} keys in {keys_written_at - rows_written_at:.0f} s; {size():.0f} MB",
        flush=True,
    )


def spliced(sources: list[Any], random: np.random.Generator) -> Any:
    from classifier.fingerprints import Fingerprint

    parts = [sources[n] for n in random.integers(len(sources), size=4)]
    sounds = []
    for part in parts:
        begin = int(random.integers(max(1, part.sound.shape[1] - 40)))
        sounds.append(part.sound[:, begin : begin + 40])
    pictures = np.concatenate([random.permutation(part.pictures)[:4] for part in parts])
    upper, lower = np.uint64(0xFFFFFFFF_00000000), np.uint64(0x00000000_FFFFFFFF)
    halves = (pictures & upper) | (random.permutation(pictures) & lower)
    return Fingerprint(
        sound=flipped(np.concatenate(sounds, axis=1), 0.15, random),
        pictures=flipped(halves, 0.02, random),
        words=np.zeros(0, np.uint32),
        has_pictures=True,
    )


def degraded(one: Any, random: np.random.Generator) -> Any:
    """Return the fingerprint of a near duplicate: trimmed by 30 %, with some bits flipped."""
    from dataclasses import replace

    kept_columns = round(0.7 * one.sound.shape[1])
    return replace(
        one,
        sound=flipped(one.sound[:, :kept_columns], 0.06, random),
        pictures=flipped(one.pictures[: round(0.7 * len(one.pictures))], 0.05, random),
    )


def flipped(numbers: Any, share: float, random: np.random.Generator) -> Any:
    """Return the array with each bit flipped with probability ``share``; same shape and type."""
    bits = numbers.dtype.itemsize * 8
    places = np.flatnonzero(random.random(numbers.size * bits, np.float32) < share)
    noise = np.zeros(numbers.size, numbers.dtype)
    np.bitwise_xor.at(
        noise, places // bits, numbers.dtype.type(1) << (places % bits).astype(numbers.dtype)
    )
    return numbers ^ noise.reshape(numbers.shape)


def write_rows(prints: list[Any]) -> list[int]:
    """Write creatives, media versions and fingerprints; return the keys of the fingerprints."""
    from django.db.models import OuterRef, Subquery

    from creativefilter.creatives.families import fingerprints as stored
    from creativefilter.creatives.models import Creative, Fingerprint, MediaVersion

    written = []
    for begin in range(0, len(prints), 2_000):
        batch = prints[begin : begin + 2_000]
        creatives = Creative.objects.bulk_create(
            Creative(name=f"{begin + number}") for number in range(len(batch))
        )
        media = MediaVersion.objects.bulk_create(
            MediaVersion(creative=one, original_name=one.name, sha256=one.name, size=1, file="a")
            for one in creatives
        )
        rows = (
            stored.unwritten(one, made, heard=True) for one, made in zip(media, batch, strict=True)
        )
        written += [row.pk for row in Fingerprint.objects.bulk_create(rows)]
    newest = MediaVersion.objects.filter(creative=OuterRef("pk")).values("pk")[:1]
    Creative.objects.update(current_media=Subquery(newest))
    return written


def write_keys(prints: list[Any], rows: list[int]) -> int:
    """Write the index as if the creatives had been stored one by one; return the number of keys."""
    from creativefilter.creatives.families import fingerprints as stored

    keys, owners = all_keys(prints, rows)
    order = np.lexsort((owners, keys))
    keys, owners = keys[order], owners[order]
    first = np.searchsorted(keys, keys, "left")
    indexed = np.arange(len(keys)) - first < stored.CROWDED
    print(f"keys left out as crowded: {1 - indexed.mean():.1%}")
    by_owner = np.argsort(owners[indexed], kind="stable")
    copy_keys(keys[indexed][by_owner], owners[indexed][by_owner])
    return len(by_owner)


def all_keys(prints: list[Any], rows: list[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    from classifier.fingerprints import index_keys

    keys_by_print = [np.array(index_keys(one), np.int64) for one in prints]
    return np.concatenate(keys_by_print), np.repeat(
        np.array(rows), [len(one) for one in keys_by_print]
    )


def copy_keys(keys: NDArray[np.int64], owners: NDArray[np.int64]) -> None:
    """Write the keys without the database index and, on PostgreSQL, without foreign key checks."""
    from django.db import connection

    from creativefilter.creatives.models import FingerprintKey

    [index] = FingerprintKey._meta.indexes
    table = FingerprintKey._meta.db_table
    with connection.schema_editor() as editor:
        editor.remove_index(FingerprintKey, index)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
            with cursor.copy(f"COPY {table} (key, fingerprint_id) FROM STDIN") as copy:
                for pair in pairs(keys, owners):
                    copy.write_row(pair)
            cursor.execute("SET session_replication_role = DEFAULT")
        else:
            cursor.execute("BEGIN")
            insert = f"INSERT INTO {table} (key, fingerprint_id) VALUES (%s, %s)"  # noqa: S608
            cursor.executemany(insert, pairs(keys, owners))
            cursor.execute("COMMIT")
    with connection.schema_editor() as editor:
        editor.add_index(FingerprintKey, index)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as autovacuum does


def pairs(keys: NDArray[np.int64], owners: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    for begin in range(0, len(keys), 100_000):
        part = slice(begin, begin + 100_000)
        yield from zip(keys[part].tolist(), owners[part].tolist(), strict=True)


def size() -> float:
    """Return the size of the database in MB."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return float(cursor.fetchone()[0]) / 1e6
    return Path(connection.settings_dict["NAME"]).stat().st_size / 1e6


# Looking up


def measure_look_ups(prints: list[Any]) -> None:
    """Time look-ups of spots that have one near duplicate each in the index."""
    from creativefilter.creatives.families import fingerprints as stored

    random = np.random.default_rng(1)
    chosen = random.choice(len(prints), LOOK_UPS, replace=False)
    scan = Scan(prints)
    times: dict[str, Times] = {"look-up": [], "its candidates": [], "linear numpy scan": []}
    hits = 0
    for number in chosen:
        query = degraded(prints[number], random)
        found = timed(
            times["look-up"], partial(stored.alike, query, "no such digest", is_demo=False)
        )
        timed(times["its candidates"], partial(stored.candidates, query))
        if len(times["linear numpy scan"]) < SCANS:
            timed(times["linear numpy scan"], partial(scan.candidates, query))
        hits += any(row.media.original_name == f"{number}" for row, _ in found)
    for name, measured in times.items():
        show(name, measured)
    print(f"found {hits} of {LOOK_UPS}; wanted: median under {TARGET_SECONDS * 1000:.0f} ms")


class Scan:
    """Baseline of the first step: a scan of all pictures and sound items, without an index."""

    def __init__(self, prints: list[Any]) -> None:
        self.count = len(prints)
        self.pictures = np.concatenate([one.pictures[:, 0] for one in prints])
        self.picture_of = np.repeat(np.arange(len(prints)), [len(one.pictures) for one in prints])
        self.sound = np.concatenate([one.sound[0] for one in prints])
        self.sound_of = np.repeat(np.arange(len(prints)), [one.sound.shape[1] for one in prints])

    def candidates(self, query: Any) -> Any:
        sound_owners = self.sound_of[np.isin(self.sound, query.sound)]
        votes = np.bincount(sound_owners, minlength=self.count)
        for number in query.pictures.ravel():
            near = np.bitwise_count(self.pictures ^ number) <= 10
            votes += np.bincount(self.picture_of[near], minlength=self.count)
        return np.argsort(-votes)[:20]


def measure_storing(prints: list[Any]) -> None:
    """Time what the analysis of one creative spends on near duplicates."""
    from benchmarks import duplicate_spots as spots
    from creativefilter.creatives.families import fingerprints as stored
    from creativefilter.creatives.families import grouping

    spot = spots.spot(5_000_000, 30, pictures=True)
    images = spots.evenly(spot.shots, 16)
    random = np.random.default_rng(2)
    times: dict[str, Times] = {"fingerprint of 30 s made": [], "stored and grouped": []}
    for number in range(STORED):
        timed(
            times["fingerprint of 30 s made"],
            partial(stored.make, spot.sound, images, spot.speech),
        )
        made = stored.NewFingerprint(degraded(prints[number], random), heard=True)
        media = creative(f"new {number}").current_media
        timed(times["stored and grouped"], partial(grouping.store, media, made))
    for name, measured in times.items():
        show(name, measured)


def creative(name: str) -> Any:
    """Create a creative with a media version and no results of analysis."""
    from creativefilter.creatives.models import Creative, MediaVersion

    row = Creative.objects.create(name=name)
    row.current_media = MediaVersion.objects.create(
        creative=row, original_name=name, sha256=name, size=1
    )
    row.save()
    return row


def timed(times: Times, call: Callable[[], Any]) -> Any:
    started, cpu_before = time.perf_counter(), cpu_seconds()
    result = call()
    times.append((time.perf_counter() - started, cpu_seconds() - cpu_before))
    return result


def cpu_seconds() -> float:
    """Return CPU seconds of this process and, on PostgreSQL, of its server process.

    The latter are counted in steps of 10 ms.
    """
    from django.db import connection

    seconds = time.process_time()
    if connection.vendor == "postgresql":
        stat = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text()
        user, system = stat.rsplit(")", 1)[1].split()[11:13]
        seconds += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return seconds


def show(name: str, times: Times) -> None:
    ranked = sorted(seconds for seconds, _ in times)
    print(
        f"{name:24} median {statistics.median(ranked) * 1000:7.1f} ms, "
        f"95 % within {ranked[int(0.95 * len(ranked))] * 1000:7.1f} ms, "
        f"slowest {ranked[-1] * 1000:7.1f} ms; "
        f"{statistics.mean(cpu for _, cpu in times) * 1000:6.1f} ms of CPU (mean)",
        flush=True,
    )


# Grouping


def measure_grouping() -> None:
    """Time the command ``find_families``: 30 % of the creatives are linked, none is grouped yet."""
    from creativefilter.creatives.models import FamilyLink, Fingerprint

    numbers = list(Fingerprint.objects.order_by("pk").values_list("pk", flat=True))
    count = FamilyLink.objects.bulk_create(
        (
            FamilyLink(first_id=one, second_id=other, strength=2, sound=1, pictures=1)
            for one, other in links(numbers)
        ),
        batch_size=5_000,
        ignore_conflicts=True,
    )
    for _ in range(2):
        started = time.perf_counter()
        process = subprocess.run(
            [sys.executable, ROOT / "manage.py", "find_families"],
            check=True,
            capture_output=True,
            text=True,
        )
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(process.stdout.strip())
        print(
            f"find_families over {len(numbers)} creatives and {len(count)} links: "
            f"{time.perf_counter() - started:.1f} s, {peak:.0f} MB at most"
        )


def links(numbers: list[int]) -> Iterable[tuple[int, int]]:
    """Yield all pairs within families of 2 to 12 members."""
    random = np.random.default_rng(3)
    left = int(len(numbers) * IN_FAMILIES)
    while left > 0:
        members = int(random.integers(2, 13))
        yield from combinations(sorted(numbers[max(0, left - members) : left]), 2)
        left -= members
