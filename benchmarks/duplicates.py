"""Whether near duplicates are found, whether others are left alone, and how long a look-up takes.

    python benchmarks/duplicates.py found      # about twenty minutes, SQLite
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

UNLIKE, PAIRS, SHORT = (int(n) for n in os.environ.get("SPOTS", "2000,200,40").split(","))
LENGTHS, SHORT_LENGTHS = (10, 15, 20, 30), (5, 6, 7, 8)
TARGET_FOUND, TARGET_WRONG = 0.95, 10


def main() -> None:
    what = sys.argv[1] if sys.argv[1:] else "found"
    if what == "child":
        start_django()
        {"found": found, "look-up": look_up}[sys.argv[2]]()
        return
    with tempfile.TemporaryDirectory(prefix="duplicates-") as folder:
        if what == "look-up":
            look_up_in_both(Path(folder))
        else:
            child(what, "SQLite", folder, f"sqlite:///{folder}/db.sqlite3")


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


# Found and wrong


def found() -> None:
    from benchmarks import duplicate_spots as spots
    from creativefilter.creatives.families import grouping

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
    show(asked, unlike, kinds, grouping.family_of)


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
    from benchmarks.duplicates_many import creative
    from creativefilter.creatives.families import grouping

    row = creative(name)
    grouping.store(row.current_media, made)
    return row


def unencoded(made: Any) -> Any:
    """The fingerprint of what a perfect codec would hand on."""
    from benchmarks import duplicate_spots as spots
    from creativefilter.creatives.families import fingerprints

    images = spots.evenly(made.shots, 16) if made.shots else []
    return fingerprints.make(made.sound, images, made.speech)


def encoded(made: Any, encoding: Any, letterbox: bool) -> Any:
    """The fingerprint of what the decoder's child finds in an encoded file."""
    from benchmarks import duplicate_spots as spots
    from classifier.media import decode
    from creativefilter.creatives.families import fingerprints

    with tempfile.NamedTemporaryFile() as file:
        spots.write(Path(file.name), made, encoding, letterbox)
        media = decode(Path(file.name))
    return fingerprints.make(media.audio, [frame.image for frame in media.frames], made.speech)


def progress(number: int, count: int) -> None:
    if sys.stderr.isatty() or number % 200 == 199:
        print(
            f"\r{number + 1} of {count}", end="\n" if number + 1 == count else "", file=sys.stderr
        )


if __name__ == "__main__":
    main()
