"""Files of a run: creatives, spend, transcripts, labels."""

from __future__ import annotations

import csv
import random
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tests.stack import DEMO

# First Advertisement IDs of uploaded creatives and of imported transcripts.
FIRST_CREATIVE, FIRST_TRANSCRIPT = 7_100_000, 7_200_000
TRANSCRIPTS = 80
SEGMENTS = (7, 12)
WORDS = {
    7: "магазин продукты скидка доставка корзина покупатель товар цена акция полка сезон одежда",
    12: "кредитная карта банк процент льготный период рассрочка платёж наличные лимит договор",
}
SYLLABLES = [a + b for a in "бвгдклмнпрстф" for b in "аеиоу"]


@dataclass(frozen=True)
class Material:
    """Files of a run, with the expected numbers and amounts."""

    creatives: list[Path]
    archive: Path
    archived: int
    spend: Path
    spend_rows: int
    spend_amount: Decimal
    spend_ids: set[str]
    table: Path
    transcripts: Path
    labels: Path

    @property
    def ids(self) -> list[str]:
        return [path.stem for path in self.creatives]


def make(folder: Path, seed: int, creatives: int, rows: int) -> Material:
    """Write the files of a run.

    Args:
        folder: An empty folder.
        seed: Seed of all random choices.
        creatives: Number of sound files of 3 to 5 s.
        rows: Rows of the spend table.
    """
    chance = random.Random(seed)
    files = _creatives(folder / "creatives", chance, creatives)
    archived = creatives // 4
    archive = folder / "archive.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in files[:archived]:
            target.write(path, path.name)
    ids = [path.stem for path in files] + [str(8_000_000 + n) for n in range(rows // 10)]
    spend, amount, used = _spend(folder / "spend.csv", chance, ids, rows)
    table = folder / "table.csv"
    table.write_text("Advertisement ID\n" + "".join(f"{path.stem}\n" for path in files) + "1\n")
    return Material(
        files, archive, archived, spend, rows, amount, used, table,
        *_transcripts(folder, chance),
    )  # fmt: skip


def _creatives(folder: Path, chance: random.Random, count: int) -> list[Path]:
    """Write creatives that are cuts from the demonstration."""
    from classifier.media import SAMPLE_RATE, decode, write_wav

    folder.mkdir()
    sources = [path for path in sorted(DEMO.iterdir()) if path.stat().st_size < 160_000][:12]
    sounds = [decode(path).audio for path in sources]
    files = []
    for number in range(count):
        sound = chance.choice(sounds)
        length = int(chance.uniform(3, 5) * SAMPLE_RATE)
        start = chance.randrange(max(1, len(sound) - length))
        path = folder / f"{FIRST_CREATIVE + number}.wav"
        write_wav(path, sound[start : start + length])
        files.append(path)
    return files


def _spend(
    path: Path, chance: random.Random, ids: list[str], rows: int
) -> tuple[Path, Decimal, set[str]]:
    amount, used = Decimal(0), set()
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(
            ["Advertisement ID", "Advertiser", "Brand", "Media Type", "Estimated cost RUB",
             "Year", "Month"]
        )  # fmt: skip
        for _row in range(rows):
            one = chance.choice(ids)
            cost = Decimal(chance.randrange(100, 100_000_000)) / 100
            advertiser = chance.randrange(20)
            table.writerow(
                [one, f"ADVERTISER {advertiser}", f"BRAND {advertiser}",
                 chance.choice(["TV", "RADIO", "WEB"]), cost, 2025, chance.randrange(1, 13)]
            )  # fmt: skip
            amount += cost
            used.add(one)
    return path, amount, used


def _transcripts(folder: Path, chance: random.Random) -> tuple[Path, Path]:
    """Write two tables: transcripts of creatives without a file, and their labels."""
    transcripts, labels = folder / "transcripts.csv", folder / "labels.csv"
    with transcripts.open("w", encoding="utf-8") as transcript_file, labels.open("w") as label_file:
        transcript_file.write("Advertisement ID,text\n")
        label_file.write("Advertisement ID,Segment_num\n")
        for number in range(TRANSCRIPTS):
            segment = SEGMENTS[number % len(SEGMENTS)]
            # Unique words, so that no two transcripts are near duplicates.
            unique_words = ["".join(chance.choices(SYLLABLES, k=3)) for _word in range(20)]
            words = chance.choices(WORDS[segment].split(), k=8) + unique_words
            chance.shuffle(words)
            transcript_file.write(f"{FIRST_TRANSCRIPT + number},{' '.join(words)}\n")
            label_file.write(f"{FIRST_TRANSCRIPT + number},{segment}\n")
    return transcripts, labels
