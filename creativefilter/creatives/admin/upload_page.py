"""The upload form: media files, archives, and a table of Advertisement IDs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from creativefilter.creatives.intake import archive_jobs, archives, id_tables, receiving
from creativefilter.creatives.intake.file_names import display_name
from creativefilter.jobs.quota import QuotaExceeded
from creativefilter.site.codes import CodedError, sentence
from creativefilter.site.errors import UserError
from creativefilter.site.unavailable import Unavailable
from creativefilter.site.uploads import check_upload


@dataclass(slots=True)
class Added:
    """Counts of the files of an upload form."""

    new: int = 0
    known: int = 0
    archives: int = 0
    refusals: list[str] = field(default_factory=list)

    @property
    def any(self) -> bool:
        return bool(self.new or self.known or self.archives)


def add_from(request: HttpRequest, owner: User) -> bool:
    """Take in the uploaded files and add messages; return False if no file was taken in."""
    files = request.FILES.getlist("files")
    if not files:
        messages.error(request, _("Choose at least one file."))
        return False
    try:
        ids = _ids(request, request.FILES.get("table"))
    except CodedError as error:
        messages.error(request, str(error))
        return False
    added = Added()
    for place, file in enumerate(files):
        try:
            _add(file, owner, ids, added)
        except CodedError as error:
            added.refusals.append(f"{display_name(file.name or '')}: {error}")
        except (QuotaExceeded, Unavailable) as error:
            left = len(files) - place
            text = ngettext("%d file was not added.", "%d files were not added.", left)
            why = str(error) if isinstance(error, QuotaExceeded) else sentence(error.code)
            added.refusals.append(f"{text % left} {why}")
            break
    _add_messages(request, added)
    return added.any


def _add(file: UploadedFile, owner: User, ids: Mapping[str, str], added: Added) -> None:
    """Take in one file or archive. Raises ``CodedError``, ``QuotaExceeded``, ``Unavailable``."""
    name = file.name or ""
    if archives.names_archive(name):
        archive_jobs.start(file, name, owner, ids)
        added.archives += 1
        return
    received = receiving.receive(
        file, name, owner=owner, advertisement_id=id_tables.id_of(name, ids)
    )
    added.known += received.known
    added.new += not received.known


def _ids(request: HttpRequest, table: Any) -> dict[str, str]:
    """Read the table of IDs and add its findings as a message. Raises ``CodedError``."""
    if not table:
        return {}
    check_upload(table)
    try:
        read = id_tables.read(table)
    except UserError as error:
        raise CodedError("bad_id_table", why=error) from error
    messages.info(request, " ".join(map(str, read.findings)))
    return read.ids


def _add_messages(request: HttpRequest, added: Added) -> None:
    for refusal in added.refusals:
        messages.error(request, refusal)
    if added.new:
        text = ngettext("%d file was added.", "%d files were added.", added.new)
        messages.success(request, text % added.new)
    if added.known:
        text = ngettext(
            "%d file was already stored.",
            "%d files were already stored.",
            added.known,
        )
        messages.info(request, text % added.known)
    if added.archives:
        text = ngettext(
            "%d archive is being unpacked; its creatives appear in the list one by one. Its job "
            "lists the files that are refused.",
            "%d archives are being unpacked; their creatives appear in the list one by one. Their "
            "jobs list the files that are refused.",
            added.archives,
        )
        messages.success(request, text % added.archives)
