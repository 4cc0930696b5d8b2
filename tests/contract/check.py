"""Check the API against its own schema: ``make contract``.

Starts the application on PostgreSQL with a worker and a broker, stores real rows, and lets
schemathesis call every operation of the schema: with its examples, its limits, random valid and
invalid requests, and sequences of requests that follow the links of the schema. The output is that
of schemathesis; the exit status is 0 if nothing is wrong.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["TEST_DATABASE"] = "postgresql"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests import environment  # noqa: E402, F401  (before the settings: starts PostgreSQL)
from tests.stack import DEMO, Client, Data, running  # noqa: E402

SEED = 20261122
EXAMPLES = 50
FILES = ("90000023.flv", "90000025.mp4", "90000037.wav")
SPEND = (
    "Advertisement ID,Advertiser,Brand,Media Type,Estimated cost RUB,Year,Month\n"
    "90000023,БАНК,КАРТА,TV,1000.5,2021,3\n90000025,БАНК,ВКЛАД,Radio,70,2021,4\n"
)


def main() -> int:
    options = _options()
    # Rate limits and quotas would refuse most of the requests.
    os.environ |= {
        "API_RATE": "1000000/min",
        "API_ANONYMOUS_RATE": "1000000/min",
        "OPEN_JOBS_PER_USER": "1000000",
        "PICTURES_ENCODER": "",
    }
    with tempfile.TemporaryDirectory(prefix="contract-") as folder:
        data = Data.new(Path(folder) / "data")
        with running(data) as stack:
            assert stack.credentials is not None
            client = Client(stack, stack.credentials[1])
            _fill(client)
            started = time.monotonic()
            status = _schemathesis(stack.address, client.token, options)
            print(f"schemathesis: exit status {status}, {time.monotonic() - started:.0f} s")
            answers = client.answers()
            print("the application still answers" if answers else "THE APPLICATION IS DOWN")
    return status or int(not answers)


def _fill(client: Client) -> None:
    """Store creatives, spend and a result table, so that valid requests find something."""
    for name in FILES:
        client.classified(DEMO / name, seconds=600)
    files = {"file": ("spend.csv", SPEND.encode())}
    _assert_success(
        client.request("POST", "/api/v1/spend/imports", files=files, data={"mode": "add"})
    )
    table = {"file": ("ids.csv", b"Advertisement ID\n90000023\n1\n")}
    _assert_success(client.request("POST", "/api/v1/predict_table?wait=30", files=table))


def _assert_success(answer: Any) -> None:
    assert answer.status_code < 300, f"{answer.url}: {answer.status_code} {answer.text[:500]}"


def _schemathesis(address: str, token: str, options: argparse.Namespace) -> int:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file", str(Path(__file__).with_name("schemathesis.toml")),
        "run", f"{address}/api/v1/schema",
        "--header", f"Authorization: Token {token}",
        "--header", "Accept-Language: en",
        "--seed", str(options.seed),
        "--max-examples", str(options.examples),
        "--workers", "2",
        "--request-timeout", "90",
        "--continue-on-failure",
        *options.rest,
    ]  # fmt: skip
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
    ).returncode


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    options, options.rest = parser.parse_known_args()
    return options


if __name__ == "__main__":
    sys.exit(main())
