"""What has to follow a row wherever it is written from."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_migrate
from django.dispatch import receiver

from classifier.segments import SEGMENTS
from creativefilter.creatives import derived, model_versions
from creativefilter.creatives.models import MediaVersion, Segment


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


@receiver(post_delete, sender=MediaVersion)
def remove_files(instance: MediaVersion, **_: Any) -> None:
    """Files go when the deletion is committed, so a rollback loses nothing."""
    media_id, file = instance.pk, instance.file

    def remove() -> None:
        if file.name:
            file.storage.delete(file.name)
        derived.remove(media_id)

    transaction.on_commit(remove)
