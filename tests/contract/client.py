"""Test of a client that is generated from the schema: ``make client``.

Generates a typed Python client and installs it with its two dependencies into a new virtual
environment. There, ``program.py`` submits a creative, polls its job and downloads an export from a
running application.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["TEST_DATABASE"] = "postgresql"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests import environment  # noqa: E402, F401  (before the settings: starts PostgreSQL)
from tests.stack import DEMO, Data, running  # noqa: E402

CREATIVE = DEMO / "90000023.flv"
# The generator has no parsers for these media types, so their content is bytes.
CONFIG = """
content_type_overrides:
  audio/wav: application/octet-stream
  image/jpeg: application/octet-stream
  audio/wav, image/jpeg: application/octet-stream
  application/problem+json: application/json
  application/vnd.openxmlformats-officedocument.spreadsheetml.sheet: application/octet-stream
  text/csv: application/octet-stream
"""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="client-") as name:
        folder = Path(name)
        python = install_client(folder)
        with running(Data.new(folder / "data")) as stack:
            assert stack.credentials is not None
            program = Path(__file__).with_name("program.py")
            run(python, program, stack.address, stack.credentials[1], CREATIVE)
    print("The generated client works.")
    return 0


def install_client(folder: Path) -> Path:
    """Generate the client and return the Python of a new environment with only the client."""
    scripts = Path(sys.executable).parent
    schema, client, config = folder / "openapi.yaml", folder / "client", folder / "config.yaml"
    config.write_text(CONFIG)
    run(sys.executable, "manage.py", "spectacular", "--fail-on-warn", "--file", schema)
    run(
        scripts / "openapi-python-client", "generate", "--path", schema, "--output-path", client,
        "--config", config, "--meta", "setup", "--fail-on-warning",
        env=os.environ | {"PATH": f"{scripts}:{os.environ['PATH']}"},
    )  # fmt: skip
    run(sys.executable, "-m", "venv", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", client)
    return python


def run(*command: object, env: dict[str, str] | None = None) -> None:
    subprocess.run([str(part) for part in command], cwd=ROOT, env=env, check=True)


if __name__ == "__main__":
    sys.exit(main())
