"""Files of a media version are removed with its row."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.models import MediaVersion


@receiver(post_delete, sender=MediaVersion)
def remove_files(instance: MediaVersion, **_: Any) -> None:
    """Files go when the deletion is committed, so a rollback loses nothing."""
    media_id, file = instance.pk, instance.file

    def remove() -> None:
        if file.name:
            file.storage.delete(file.name)
        working_copies.remove(media_id)

    transaction.on_commit(remove)
