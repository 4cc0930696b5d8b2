"""Are near duplicates found, and are different spots kept apart?

    python benchmarks/duplicates.py [--spots 2000 200 40] [--quick]

Stores 2,000 different spots (a sixth of them radio), 200 original spots of 10, 15, 20 and 30 s (a
fifth of them radio) and 40 shorter radio originals on SQLite. Then it stores a changed copy of each
original, trimmed by 30 %, 3 dB quieter and with another end card. Half of the copies have another
sound under the end card. The copies use four codecs in turn; some have half the size, black bars or
both. Originals and copies are encoded files that go through the decoder's child process; the
different spots skip the codecs.
The speech is the spoken text with one word in twelve misheard, because Whisper would take hours.

Needs Debian's ``libchromaprint1``, and, without ``--quick``, ``festival`` and ``festvox-ru``.
Voices are cached in ``build/``.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import common  # noqa: E402
from benchmarks import duplicate_spots as spots  # noqa: E402

SPOTS, QUICK_SPOTS = (2_000, 200, 40), (2, 2, 1)
LENGTHS, SHORT_LENGTHS = (10, 15, 20, 30), (5, 6, 7, 8)
TARGET_FOUND, TARGET_WRONG = 0.95, 10
SHORT = "radio under 10 s"
Pairs = dict[str, list[tuple[Any, Any]]]


def main() -> None:
    parser = common.options(__doc__)
    parser.add_argument(
        "--spots", type=int, nargs=3, default=SPOTS, metavar=("UNLIKE", "PAIRS", "SHORT_PAIRS")
    )
    options = parser.parse_args()
    if options.quick:
        spots.use_melodies_as_voice()
    with tempfile.TemporaryDirectory(prefix="duplicates-") as folder:
        url = f"sqlite:///{folder}/db.sqlite3"
        os.environ |= {"DATA_DIR": folder, "DATABASE_URL": url, "ENV_FILE": ""}
        common.start_django()
        run(*(QUICK_SPOTS if options.quick else options.spots))


def run(unlike_count: int, pair_count: int, short_count: int) -> None:
    began = time.process_time()
    unlike = []
    for number in range(unlike_count):
        spot = spots.spot(number, LENGTHS[number % 4], pictures=number % 6 > 0)
        unlike.append(store(f"unlike {number}", fingerprint_unencoded(spot)))
        progress(number, unlike_count)
    print(f"{unlike_count} unlike spots: {time.process_time() - began:.0f} s of CPU")
    copies = []
    for number in range(pair_count + short_count):
        short = number >= pair_count
        radio = short or number % 5 == 0
        length = (SHORT_LENGTHS if short else LENGTHS)[number // 5 % 4]
        spot = spots.spot(1_000_000 + number, length, pictures=not radio)
        original = store(
            f"original {number}", fingerprint_encoded(spot, spots.ENCODINGS[0], letterbox=False)
        )
        copy = fingerprint_encoded(
            spots.changed_copy(spot, number), spots.ENCODINGS[number % 4], number % 3 == 0
        )
        copies.append((SHORT if short else "radio" if radio else "video", original, copy))
        progress(number, pair_count + short_count)
    costs, pairs = [], Pairs({"video": [], "radio": [], SHORT: []})
    for number, (kind, original, copy) in enumerate(copies):
        stored, seconds = common.timed(lambda n=number, copy=copy: store(f"copy {n}", copy))
        costs.append(seconds)
        pairs[kind].append((original, stored))
    print(f"in all, without decoding: {time.process_time() - began:.0f} s of CPU")
    cost = statistics.median(costs) * 1000
    print(f"a copy is stored, looked up and grouped in {cost:.0f} ms (median)")
    show_pairs(pairs)
    show_unlike(unlike)


def show_pairs(pairs_by_kind: Pairs) -> None:
    from creativefilter.creatives.families.grouping import family_of

    found = 0
    for kind, pairs in pairs_by_kind.items():
        missed = [
            row.name
            for row, copy in pairs
            if family_of(row) is None or family_of(row) != family_of(copy)
        ]
        count = len(pairs) - len(missed)
        found += count if kind != SHORT else 0
        print(f"{kind:18} found {count:4} of {len(pairs)} = {count / max(len(pairs), 1):.1%}")
        if missed:
            print(f"{'':18} not found: {', '.join(missed)}")
    long_count = sum(len(pairs) for kind, pairs in pairs_by_kind.items() if kind != SHORT)
    print(f"all of 10 s and more: {found / long_count:.1%}, wanted {TARGET_FOUND:.0%}")
    pairs_of_family: dict[int, set[int]] = {}
    for pairs in pairs_by_kind.values():
        for original, copy in pairs:
            for row in (original, copy):
                pairs_of_family.setdefault(family_of(row) or -row.pk, set()).add(original.pk)
    mixed = sum(len(originals) > 1 for originals in pairs_of_family.values())
    print(f"families with more than one pair: {mixed}")


def show_unlike(unlike: list[Any]) -> None:
    from creativefilter.creatives.families.grouping import family_of

    wrong = [row for row in unlike if family_of(row) is not None]
    print(f"unlike spots in a family: {len(wrong)} of {len(unlike)}, at most {TARGET_WRONG}")
    for row in wrong[:20]:
        print(f"  {row.name} in family {family_of(row)}")


def store(name: str, fingerprint: Any) -> Any:
    """Create a creative with a media version and this fingerprint; group it with others."""
    from creativefilter.creatives.families import grouping
    from creativefilter.creatives.models import Creative, MediaVersion

    row = Creative.objects.create(name=name)
    row.current_media = MediaVersion.objects.create(
        creative=row, original_name=name, sha256=name, size=1
    )
    row.save()
    grouping.store(row.current_media, fingerprint)
    return row


def fingerprint_unencoded(spot: spots.Spot) -> Any:
    from creativefilter.creatives.families import fingerprints

    images = spots.evenly(spot.shots, 16) if spot.shots else []
    return fingerprints.make(spot.sound, images, spot.speech)


def fingerprint_encoded(spot: spots.Spot, encoding: spots.Encoding, letterbox: bool) -> Any:
    """Encode and decode a spot; return the fingerprint of the result."""
    from classifier.media import decode
    from creativefilter.creatives.families import fingerprints

    with tempfile.NamedTemporaryFile() as file:
        spots.write(Path(file.name), spot, encoding, letterbox)
        media = decode(Path(file.name))
    return fingerprints.make(media.audio, [frame.image for frame in media.frames], spot.speech)


def progress(number: int, count: int) -> None:
    if number % 200 == 199:
        print(f"{number + 1} of {count}", file=sys.stderr)


if __name__ == "__main__":
    main()
