"""Are near duplicates found, are different spots kept apart, and how long does a look-up take?

    python benchmarks/duplicates.py found      # about twenty minutes, SQLite
    python benchmarks/duplicates.py look-up    # among 100,000 creatives, SQLite and PostgreSQL

``found`` stores 2,000 different spots (a sixth of them radio), 200 original spots of 10, 15, 20 and
30 s (a fifth of them radio) and 40 shorter radio originals. Then it stores a changed copy of each
original: other codecs, a quarter of the bit rate, half the size or black bars, trimmed by 30 %, 3
dB quieter, with another end card, half of them with another sound under it. Originals and copies
are encoded files that go through the decoder's child process; the different spots skip the codecs.
The speech is the spoken text with one word in twelve misheard, because Whisper would take hours.

``look-up`` is described in ``benchmarks/duplicates_many.py``.

Needs Debian's ``festival``, ``festvox-ru`` and ``libchromaprint1``. Voices are cached in
``build/``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

UNLIKE, PAIRS, SHORT = (int(n) for n in os.environ.get("SPOTS", "2000,200,40").split(","))
LENGTHS, SHORT_LENGTHS = (10, 15, 20, 30), (5, 6, 7, 8)
TARGET_FOUND, TARGET_WRONG = 0.95, 10


def main() -> None:
    mode = sys.argv[1] if sys.argv[1:] else "found"
    if mode == "child":
        start_django()
        {"found": found, "look-up": look_up}[sys.argv[2]]()
        return
    with tempfile.TemporaryDirectory(prefix="duplicates-") as folder:
        if mode == "look-up":
            look_up_in_both(Path(folder))
        else:
            child(mode, "SQLite", folder, f"sqlite:///{folder}/db.sqlite3")


def look_up_in_both(folder: Path) -> None:
    from benchmarks.duplicates_many import make_prints
    from tests import postgres

    os.environ.setdefault("SPLICED", str(folder / "sources"))
    if not Path(os.environ["SPLICED"]).exists():
        make_prints(Path(os.environ["SPLICED"]))
    child("look-up", "SQLite", str(folder), f"sqlite:///{folder}/db.sqlite3")
    server = postgres.start(Path(tempfile.mkdtemp(prefix="duplicates-")))
    try:
        child(
            "look-up",
            "PostgreSQL",
            str(folder),
            postgres.create_database(server.url("postgres"), "duplicates"),
        )
    finally:
        server.stop()


def look_up() -> None:
    from benchmarks import duplicates_many

    duplicates_many.look_up(Path(os.environ["SPLICED"]))


def child(mode: str, name: str, folder: str, url: str) -> None:
    print(f"{name}, {mode}", flush=True)
    environment = os.environ | {"DATA_DIR": folder, "DATABASE_URL": url}
    subprocess.run([sys.executable, __file__, "child", mode], env=environment, check=True)


def start_django() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "creativefilter.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


# Near duplicates found, and different spots wrongly grouped


def found() -> None:
    from benchmarks import duplicate_spots as spots
    from creativefilter.creatives.families import grouping

    began = time.process_time()
    unlike, kinds, costs = [], {}, []
    for number in range(UNLIKE):
        generated = spots.spot(number, LENGTHS[number % 4], pictures=number % 6 > 0)
        unlike.append(store(f"unlike {number}", fingerprint_unencoded(generated)))
        kinds[unlike[-1]] = "video" if generated.shots else "radio"
        progress(number, UNLIKE)
    print(f"{UNLIKE} unlike spots: {time.process_time() - began:.0f} s of CPU")
    pairs_by_kind: dict[str, list[tuple[Any, Any]]] = {
        "video": [],
        "radio": [],
        "radio under 10 s": [],
    }
    copies = []
    for number in range(PAIRS + SHORT):
        short, radio = number >= PAIRS, number >= PAIRS or number % 5 == 0
        length = (SHORT_LENGTHS if short else LENGTHS)[number // 5 % 4]
        generated = spots.spot(1_000_000 + number, length, pictures=not radio)
        encoding = spots.ENCODINGS[number % 4]
        original = store(
            f"original {number}", fingerprint_encoded(generated, spots.ENCODINGS[0], False)
        )
        copy = fingerprint_encoded(spots.changed_copy(generated, number), encoding, number % 3 == 0)
        copies.append(
            (original, copy, "radio under 10 s" if short else ("radio" if radio else "video"))
        )
        progress(number, PAIRS + SHORT)
    for number, (original, copy, kind) in enumerate(copies):
        started = time.perf_counter()
        stored_copy = store(f"copy {number}", copy)
        costs.append(time.perf_counter() - started)
        pairs_by_kind[kind].append((original, stored_copy))
    print(f"in all: {time.process_time() - began:.0f} s of CPU")
    cost = statistics.median(costs) * 1000
    print(f"a copy is stored, looked up and grouped in {cost:.0f} ms (median)")
    show(pairs_by_kind, unlike, kinds, grouping.family_of)


def show(
    pairs_by_kind: Any, unlike: list[Any], kinds: dict[Any, str], family_of: Callable[[Any], Any]
) -> None:
    found_long = 0
    for kind, pairs in pairs_by_kind.items():
        in_one_family = [
            family_of(row) is not None and family_of(row) == family_of(copy_row)
            for row, copy_row in pairs
        ]
        found_long += sum(in_one_family) if kind != "radio under 10 s" else 0
        print(
            f"{kind:18} found {sum(in_one_family):4} of {len(pairs)}"
            f" = {sum(in_one_family) / len(pairs):.1%}"
        )
        missed = [
            row.name
            for (row, _), is_found in zip(pairs, in_one_family, strict=True)
            if not is_found
        ]
        if missed:
            print(f"{'':18} not found: {', '.join(missed)}")
    wrongly_grouped = [row for row in unlike if family_of(row) is not None]
    print(f"all of 10 s and more: {found_long / PAIRS:.1%}, wanted {TARGET_FOUND:.0%}")
    print(
        f"unlike spots in a family: {len(wrongly_grouped)} of {len(unlike)}, at most {TARGET_WRONG}"
    )
    for row in wrongly_grouped[:20]:
        print(f"  {row.name} ({kinds[row]}) in family {family_of(row)}")
    members: dict[int, set[int]] = {}
    for kind_pairs in pairs_by_kind.values():
        for number, pair in enumerate(kind_pairs):
            for row in pair:
                members.setdefault(family_of(row) or -row.pk, set()).add(id(kind_pairs) + number)
    print(f"pairs in a family with another pair: {sum(len(m) > 1 for m in members.values())}")


def store(name: str, generated: Any) -> Any:
    from benchmarks.duplicates_many import creative
    from creativefilter.creatives.families import grouping

    row = creative(name)
    grouping.store(row.current_media, generated)
    return row


def fingerprint_unencoded(generated: Any) -> Any:
    """Return the fingerprint of a spot without encoding it."""
    from benchmarks import duplicate_spots as spots
    from creativefilter.creatives.families import fingerprints

    images = spots.evenly(generated.shots, 16) if generated.shots else []
    return fingerprints.make(generated.sound, images, generated.speech)


def fingerprint_encoded(generated: Any, encoding: Any, letterbox: bool) -> Any:
    """Encode and decode a spot; return the fingerprint of the result."""
    from benchmarks import duplicate_spots as spots
    from classifier.media import decode
    from creativefilter.creatives.families import fingerprints

    with tempfile.NamedTemporaryFile() as file:
        spots.write(Path(file.name), generated, encoding, letterbox)
        media = decode(Path(file.name))
    return fingerprints.make(media.audio, [frame.image for frame in media.frames], generated.speech)


def progress(number: int, count: int) -> None:
    if sys.stderr.isatty() or number % 200 == 199:
        print(
            f"\r{number + 1} of {count}", end="\n" if number + 1 == count else "", file=sys.stderr
        )


if __name__ == "__main__":
    main()
