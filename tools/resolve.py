"""Check that the pinned requirements can be resolved on any machine.

Resolve them without installing anything: first from the public index alone, without pip's
configuration, as on a fresh Linux machine, which gives the CUDA build of torch; then as pip is
configured here, if it names another source, which may give the CPU build. Skip the check, with a
message, if the public index can't be reached. Exit with 1 if pip finds no solution.

    python tools/resolve.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PUBLIC_INDEX = "https://pypi.org/simple/"
FILES = ("requirements.txt", "requirements-dev.txt")
# Options that name another source of packages than the public index.
SOURCES = ("index-url", "extra-index-url", "find-links")


def main() -> int:
    if not reachable():
        print(f"skipped: {PUBLIC_INDEX} can't be reached")
        return 0
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    plain["PIP_CONFIG_FILE"] = os.devnull
    failed = not resolved("public index alone", plain, "--index-url", PUBLIC_INDEX)
    if other_sources():
        failed |= not resolved("as pip is configured here", dict(os.environ))
    else:
        print("as pip is configured here: skipped, it names no other source than the public index")
    return int(failed)


def reachable() -> bool:
    try:
        urllib.request.urlopen(PUBLIC_INDEX + "pip/", timeout=15).close()  # noqa: S310
    except (urllib.error.URLError, TimeoutError):
        return False
    return True


def other_sources() -> bool:
    """Whether pip's configuration or environment names other sources."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    return any(f"{source}=" in listed for source in SOURCES)


def resolved(title: str, environment: dict[str, str], *options: str) -> bool:
    """Let pip resolve without installing; print the outcome and return whether it succeeded."""
    began = time.monotonic()
    command = [
        sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed",
        "--disable-pip-version-check", "--quiet", "--report", "-", *options,
    ]  # fmt: skip
    for name in FILES:
        command += ["-r", str(ROOT / name)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - began
    if done.returncode:
        print(f"{title}: failed after {seconds:.0f} s\n{done.stderr}")
        return False
    torch = re.search(r"/torch-([^/]+?)-cp", done.stdout)
    print(f"{title}: resolved in {seconds:.0f} s, torch {torch[1] if torch else 'unknown'}")
    return True


if __name__ == "__main__":
    sys.exit(main())
