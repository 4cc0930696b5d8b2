"""A program of an API user, which imports only the generated client.

python program.py ADDRESS TOKEN FILE
"""

from __future__ import annotations

import io
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

from creative_filter_client import AuthenticatedClient
from creative_filter_client.api.exports import export, export_create, export_download
from creative_filter_client.api.jobs import job
from creative_filter_client.api.predict import predict
from creative_filter_client.models import (
    ExportCreateRequest,
    ExportFormatEnum,
    ExportKindEnum,
    JobStateEnum,
    UploadRequest,
)
from creative_filter_client.types import File

FINAL = {JobStateEnum.DONE, JobStateEnum.FAILED, JobStateEnum.CANCELLED}
SECONDS = 600


def ended(ask: Any, number: Any, client: AuthenticatedClient) -> Any:
    """Poll once a second until the job or export has ended, and return it."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = ask.sync(number, client=client)
        if found.state in FINAL:
            return found
        time.sleep(1)
    raise TimeoutError(f"{number} did not end")


def main(address: str, token: str, path: Path) -> None:
    client = AuthenticatedClient(base_url=address, token=token, prefix="Token", timeout=90)
    with path.open("rb") as payload:
        body = UploadRequest(file=File(payload=payload, file_name=path.name))
        submitted = predict.sync(client=client, body=body)
    done = ended(job, submitted.id, client)
    assert done.state is JobStateEnum.DONE, done
    print(f"{path.name}: {done.result.segment_num} {done.result.segment}")

    wanted = ExportCreateRequest(kind=ExportKindEnum.CREATIVES, format_=ExportFormatEnum.XLSX)
    asked = export_create.sync(client=client, body=wanted)
    assert ended(export, asked.id, client).state is JobStateEnum.DONE
    table = export_download.sync_detailed(asked.id, client=client).content
    assert zipfile.is_zipfile(io.BytesIO(table))
    print(f"export: {len(table):,} bytes of xlsx")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
