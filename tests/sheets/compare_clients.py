"""Script that prints what each client of the table reader makes of small files.

    python tests/sheets/compare_clients.py [FOLDER]

First come the files of ``client_files``, which have the columns of all clients, then the files of
FOLDER. If the clients differ, the line ends in "≠". ``evaluate`` and the reader of ID tables use
all rows of a table or none; it is no difference if they refuse a table for the bad rows that the
import of spend finds.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="compare-clients-") as data:
        os.environ["DATA_DIR"] = data
        os.environ["DATABASE_URL"] = f"sqlite:///{data}/db.sqlite3"
        os.environ["DJANGO_SETTINGS_MODULE"] = "creativefilter.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        compare(Path(data))
        if sys.argv[1:]:
            print(f"\n{sys.argv[1]}\n")
            for path in sorted(Path(sys.argv[1]).iterdir()):
                show(path.name, path)


def compare(folder: Path) -> None:
    from tests.sheets.client_files import FILES, NOT_FILLED_IN

    files = {**FILES, **NOT_FILLED_IN}
    differ = []
    for kind, (name, content) in files.items():
        path = folder / name
        path.write_bytes(content)
        if not show(kind, path):
            differ.append(kind)
        path.unlink()
    print(f"\n{len(files)} kinds of files; clients differ on {len(differ)}: {', '.join(differ)}")


def show(title: str, path: Path) -> bool:
    """Print the outcomes for a file on one line; return whether all clients agree."""
    from tests.sheets.clients import ALL_OR_NONE, CLIENTS, outcome

    found = {name: outcome(client, path) for name, client in CLIENTS.items()}
    by_words: dict[str, list[str]] = {}
    for name, one in found.items():
        # These clients report the same bad rows, but use none of the good ones.
        all_or_none = name in ALL_OR_NONE and one.bad and one.bad == found["spend"].bad
        words = str(found["spend"] if all_or_none else one)
        by_words.setdefault(words, []).append(name)
    same = len(by_words) == 1
    words = "; ".join(
        text if same else f"{', '.join(names)}: {text}" for text, names in by_words.items()
    )
    print(f"{title:36} {words}{'' if same else '  ≠'}", flush=True)
    return same


if __name__ == "__main__":
    main()
