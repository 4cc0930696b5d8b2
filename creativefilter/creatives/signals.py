"""What has to follow a row wherever it is written from."""

from __future__ import annotations

import functools
import re
from typing import Any

from django.db import transaction
from django.db.backends.signals import connection_created
from django.db.models.signals import post_delete, post_migrate, pre_delete
from django.dispatch import receiver

from classifier.segments import SEGMENTS
from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.families import grouping
from creativefilter.creatives.models import Fingerprint, MediaVersion, Segment


@receiver(post_migrate)
def reference_rows(sender: Any, **_: Any) -> None:
    """The dictionary and the starter model are rows of every database, also of an emptied one."""
    if sender.name != "creativefilter.creatives":
        return
    for segment in SEGMENTS:
        Segment.objects.update_or_create(
            number=segment.number,
            defaults={
                "name": segment.name,
                "name_en": segment.name_en,
                "criteria": segment.criteria,
                "criteria_en": segment.criteria_en,
            },
        )
    model_versions.ensure_starter()


@receiver(connection_created)
def fold_case_of_every_letter(connection: Any, **_: Any) -> None:
    """SQLite's own LIKE folds the case of ASCII letters alone: "кредит" would not find "Кредит"."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("like", 3, _like, deterministic=True)


def _like(pattern: Any, text: Any, escape: str) -> bool | None:
    if pattern is None or text is None:
        return None
    return _expression(str(pattern), escape).fullmatch(str(text)) is not None


@functools.lru_cache(maxsize=128)
def _expression(pattern: str, escape: str) -> re.Pattern[str]:
    """A LIKE pattern as a regular expression; a sign after ``escape`` stands for itself."""
    wild = {"%": ".*", "_": "."}
    parts = re.findall(rf"{re.escape(escape)}(.)|(.)", pattern, re.DOTALL)
    expression = "".join(
        re.escape(kept) if kept else wild.get(c, re.escape(c)) for kept, c in parts
    )
    return re.compile(expression, re.IGNORECASE | re.DOTALL)


@receiver(post_delete, sender=MediaVersion)
def remove_files(instance: MediaVersion, **_: Any) -> None:
    """Files go when the deletion is committed, so a rollback loses nothing."""
    media_id, file = instance.pk, instance.file

    def remove() -> None:
        if file.name:
            file.storage.delete(file.name)
        working_copies.remove(media_id)

    transaction.on_commit(remove)


@receiver(pre_delete, sender=Fingerprint)
def family_as_it_is(instance: Fingerprint, **_: Any) -> None:
    """Before the first row goes: a worker that finds a near duplicate waits, and is waited for."""
    grouping.lock()
    rows = Fingerprint.objects.filter(pk=instance.pk)
    instance.family_id = rows.values_list("family", flat=True).first()


@receiver(post_delete, sender=Fingerprint)
def family_without_it(instance: Fingerprint, **_: Any) -> None:
    """What one creative held together falls apart; one that is left alone has no family."""
    if instance.family_id:
        grouping.without(instance.family_id)
