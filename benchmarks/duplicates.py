"""Whether near duplicates are found, whether others are left alone, and how long a look-up takes.

    python benchmarks/duplicates.py found      # about ten minutes, SQLite
    python benchmarks/duplicates.py look-up    # among 100,000 creatives, SQLite and PostgreSQL

``found``: 2,000 unlike spots, a sixth of them radio, are stored together with 200 spots of 10, 15,
20 and 30 s, a fifth of them radio, and 40 shorter radio spots. Then a changed copy of each of
those arrives: other codecs, a quarter of the bit rate, half the size or black bars, trimmed by
30 %, 3 dB quieter, another end card, in half of them with another sound. Those 480 are encoded
files and go through the decoder's child; the unlike ones skip the codecs. Speech is the spoken
text with one word in twelve misheard: Whisper would take hours here.

Needs Debian's ``festival``, ``festvox-ru`` and ``libchromaprint1``. Voices are kept in ``build/``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

UNLIKE, PAIRS, SHORT = (int(n) for n in os.environ.get("SPOTS", "2000,200,40").split(","))
LENGTHS, SHORT_LENGTHS = (10, 15, 20, 30), (5, 6, 7, 8)
CREATIVES, LOOK_UPS = int(os.environ.get("CREATIVES", "100000")), 100
TARGET_FOUND, TARGET_WRONG, TARGET_SECONDS = 0.95, 10, 0.050


def main() -> None:
    what = sys.argv[1] if sys.argv[1:] else "found"
    if what == "child":
        start_django()
        {"found": found, "look-up": look_up}[sys.argv[2]]()
        return
    with tempfile.TemporaryDirectory(prefix="duplicates-") as folder:
        child(what, "SQLite", folder, f"sqlite:///{folder}/db.sqlite3")
    if what == "look-up":
        from tests import postgres

        server = postgres.start(Path(tempfile.mkdtemp(prefix="duplicates-")))
        try:
            with tempfile.TemporaryDirectory(prefix="duplicates-") as folder:
                child(what, "PostgreSQL", folder, server.create_database("duplicates"))
        finally:
            server.stop()


def child(what: str, name: str, folder: str, url: str) -> None:
    print(f"{name}, {what}", flush=True)
    environment = os.environ | {"DATA_DIR": folder, "DATABASE_URL": url}
    subprocess.run([sys.executable, __file__, "child", what], env=environment, check=True)


def start_django() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "creativefilter.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def creative(name: str) -> Any:
    """A creative with media of its own, of which nothing is known yet."""
    from creativefilter.creatives.models import Creative, MediaVersion

    row = Creative.objects.create(name=name)
    row.current_media = MediaVersion.objects.create(
        creative=row, original_name=name, sha256=name, size=1
    )
    row.save()
    return row


# Found and wrong


def found() -> None:
    from benchmarks import duplicate_spots as spots
    from creativefilter.creatives import families

    began = time.process_time()
    unlike, kinds, costs = [], {}, []
    for number in range(UNLIKE):
        made = spots.spot(number, LENGTHS[number % 4], pictures=number % 6 > 0)
        unlike.append(keep(f"unlike {number}", unencoded(made)))
        kinds[unlike[-1]] = "video" if made.shots else "radio"
        progress(number, UNLIKE)
    print(f"{UNLIKE} unlike spots: {time.process_time() - began:.0f} s of CPU")
    asked: dict[str, list[tuple[Any, Any]]] = {"video": [], "radio": [], "radio under 10 s": []}
    changed = []
    for number in range(PAIRS + SHORT):
        short, radio = number >= PAIRS, number >= PAIRS or number % 5 == 0
        length = (SHORT_LENGTHS if short else LENGTHS)[number // 5 % 4]
        made = spots.spot(1_000_000 + number, length, pictures=not radio)
        encoding = spots.ENCODINGS[number % 4]
        original = keep(f"original {number}", encoded(made, spots.ENCODINGS[0], False))
        copy = encoded(spots.changed(made, number), encoding, number % 3 == 0)
        changed.append(
            (original, copy, "radio under 10 s" if short else ("radio" if radio else "video"))
        )
        progress(number, PAIRS + SHORT)
    for number, (original, copy, kind) in enumerate(changed):
        before = time.perf_counter()
        arrived = keep(f"copy {number}", copy)
        costs.append(time.perf_counter() - before)
        asked[kind].append((original, arrived))
    print(f"in all: {time.process_time() - began:.0f} s of CPU")
    cost = statistics.median(costs) * 1000
    print(f"a copy is stored, looked up and grouped in {cost:.0f} ms (median)")
    show(asked, unlike, kinds, families.family_of)


def show(
    asked: Any, unlike: list[Any], kinds: dict[Any, str], family_of: Callable[[Any], Any]
) -> None:
    counted = 0
    for kind, pairs in asked.items():
        together = [
            family_of(one) is not None and family_of(one) == family_of(other)
            for one, other in pairs
        ]
        counted += sum(together) if kind != "radio under 10 s" else 0
        print(
            f"{kind:18} found {sum(together):4} of {len(pairs)} = {sum(together) / len(pairs):.1%}"
        )
        lost = [one.name for (one, _), there in zip(pairs, together, strict=True) if not there]
        if lost:
            print(f"{'':18} not found: {', '.join(lost)}")
    wrong = [one for one in unlike if family_of(one) is not None]
    print(f"all of 10 s and more: {counted / PAIRS:.1%}, wanted {TARGET_FOUND:.0%}")
    print(f"unlike spots in a family: {len(wrong)} of {len(unlike)}, at most {TARGET_WRONG}")
    for one in wrong[:20]:
        print(f"  {one.name} ({kinds[one]}) in family {family_of(one)}")
    members: dict[int, set[int]] = {}
    for kind_pairs in asked.values():
        for number, pair in enumerate(kind_pairs):
            for one in pair:
                members.setdefault(family_of(one) or -one.pk, set()).add(id(kind_pairs) + number)
    print(f"pairs in a family with another pair: {sum(len(m) > 1 for m in members.values())}")


def keep(name: str, made: Any) -> Any:
    from creativefilter.creatives import families

    row = creative(name)
    families.store(row.current_media, made)
    return row


def unencoded(made: Any) -> Any:
    """The fingerprint of what a perfect codec would hand on."""
    from benchmarks import duplicate_spots as spots
    from creativefilter.creatives import prints

    images = spots.evenly(made.shots, 16) if made.shots else []
    return prints.make(made.sound, images, made.speech)


def encoded(made: Any, encoding: Any, letterbox: bool) -> Any:
    """The fingerprint of what the decoder's child finds in an encoded file."""
    from benchmarks import duplicate_spots as spots
    from classifier.media import decode
    from creativefilter.creatives import prints

    with tempfile.NamedTemporaryFile() as file:
        spots.write(Path(file.name), made, encoding, letterbox)
        media = decode(Path(file.name))
    return prints.make(media.audio, [frame.image for frame in media.frames], made.speech)


def progress(number: int, count: int) -> None:
    if sys.stderr.isatty() or number % 200 == 199:
        print(
            f"\r{number + 1} of {count}", end="\n" if number + 1 == count else "", file=sys.stderr
        )


# Look-up


def look_up() -> None:
    """Median and slowest look-up of spots of which each has one near duplicate in the index."""
    from creativefilter.creatives import prints as stored
    from creativefilter.creatives.models_families import FingerprintKey

    began = time.perf_counter()
    prints = list(fill())
    print(
        f"{CREATIVES} creatives, {FingerprintKey.objects.count()} keys, "
        f"written in {time.perf_counter() - began:.0f} s"
    )
    random = np.random.default_rng(1)
    chosen = random.choice(len(prints), LOOK_UPS, replace=False)
    scan = Scan(prints)
    indexed, linear, hits = [], [], 0
    for number in chosen:
        asked = worn(prints[number], random)
        before = time.perf_counter()
        found = stored.alike(asked, "no such digest", is_demo=False)
        indexed.append(time.perf_counter() - before)
        hits += any(row.media.original_name == f"{number}" for row, _ in found)
        before = time.perf_counter()
        scan.candidates(asked)
        linear.append(time.perf_counter() - before)
    for name, times in (("index", indexed), ("linear numpy scan", linear)):
        ranked = sorted(times)
        print(
            f"{name:18} median {statistics.median(times) * 1000:7.1f} ms, "
            f"95 % within {ranked[int(0.95 * len(ranked))] * 1000:7.1f} ms, "
            f"slowest {ranked[-1] * 1000:7.1f} ms"
        )
    print(f"found {hits} of {LOOK_UPS}; wanted: median under {TARGET_SECONDS * 1000:.0f} ms")


class Scan:
    """The same first step without an index: every picture and every item of all creatives."""

    def __init__(self, prints: list[Any]) -> None:
        self.count = len(prints)
        self.pictures = np.concatenate([one.pictures[:, 0] for one in prints])
        self.picture_of = np.repeat(np.arange(len(prints)), [len(one.pictures) for one in prints])
        self.sound = np.concatenate([one.sound[0] for one in prints])
        self.sound_of = np.repeat(np.arange(len(prints)), [one.sound.shape[1] for one in prints])

    def candidates(self, asked: Any) -> Any:
        heard = self.sound_of[np.isin(self.sound, asked.sound)]
        votes = np.bincount(heard, minlength=self.count)
        for number in asked.pictures.ravel():
            near = np.bitwise_count(self.pictures ^ number) <= 10
            votes += np.bincount(self.picture_of[near], minlength=self.count)
        return np.argsort(-votes)[:20]


def fill() -> Iterator[Any]:
    """``CREATIVES`` fingerprints, spliced from parts of 400 generated spots, and their index."""
    from benchmarks import duplicate_spots as spots
    from creativefilter.creatives import prints as stored
    from creativefilter.creatives.models import Creative, MediaVersion

    sources = [
        unencoded(spots.spot(number, LENGTHS[number % 4], pictures=True)).print
        for number in range(min(400, CREATIVES))
    ]
    random = np.random.default_rng(0)
    numbers = iter(range(CREATIVES))
    while batch := list(islice(numbers, 1_000)):
        creatives = Creative.objects.bulk_create(Creative(name=f"{n}") for n in batch)
        media = MediaVersion.objects.bulk_create(
            MediaVersion(creative=one, original_name=one.name, sha256=one.name, size=1)
            for one in creatives
        )
        for one, version in zip(creatives, media, strict=True):
            one.current_media = version
        Creative.objects.bulk_update(creatives, ["current_media"])
        prints = [spliced(sources, random) for _ in batch]
        stored.write_prints(list(zip(media, prints, strict=True)))
        yield from prints


def spliced(sources: list[Any], random: np.random.Generator) -> Any:
    """Five seconds of each of four spots and four pictures of each, all with errors of their own:
    items and pictures are as unevenly spread as real ones, and shared by many."""
    from classifier.fingerprints import Fingerprint

    parts = [sources[n] for n in random.integers(len(sources), size=4)]
    sounds, pictures = [], []
    for part in parts:
        begin = int(random.integers(max(1, part.sound.shape[1] - 40)))
        sounds.append(part.sound[:, begin : begin + 40])
        pictures.append(random.permutation(part.pictures)[:4])
    return Fingerprint(
        sound=flipped(np.concatenate(sounds, axis=1), 0.15, random),
        pictures=flipped(np.concatenate(pictures), 0.2, random),
        words=np.zeros(0, np.uint32),
        has_pictures=True,
    )


def worn(one: Any, random: np.random.Generator) -> Any:
    """The same spot trimmed by 30 % and encoded again."""
    from dataclasses import replace

    kept = round(0.7 * one.sound.shape[1])
    return replace(
        one,
        sound=flipped(one.sound[:, :kept], 0.06, random),
        pictures=flipped(one.pictures[: round(0.7 * len(one.pictures))], 0.05, random),
    )


def flipped(numbers: Any, share: float, random: np.random.Generator) -> Any:
    bits = numbers.dtype.itemsize * 8
    noise = random.random((*numbers.shape, bits)) < share
    packed = np.packbits(noise, axis=-1).view(numbers.dtype)[..., 0]
    return numbers ^ packed


if __name__ == "__main__":
    main()
