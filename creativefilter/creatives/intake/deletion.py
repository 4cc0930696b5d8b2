"""Signal receivers for deleted creatives: cancel the job, remove files, write the audit log."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from creativefilter.accounts.audit import Action, record
from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.models import Creative, MediaVersion
from creativefilter.jobs import lifecycle


@receiver(pre_delete, sender=Creative)
def cancel_job(instance: Creative, **_: Any) -> None:
    """Cancel the job of a deleted creative: a running stage saves nothing, and no other starts."""
    if instance.job and not instance.job.is_final:
        lifecycle.cancel(instance.job)


@receiver(post_delete, sender=MediaVersion)
def remove_files(instance: MediaVersion, **_: Any) -> None:
    """Remove the files after the deletion is committed, so that a rollback loses nothing."""
    media_id, file = instance.pk, instance.file

    def remove() -> None:
        working_copies.remove(media_id)
        if file.name:
            file.storage.delete(file.name)

    # robust: if the storage does not answer, the other files are removed all the same, and
    # remove_orphans removes this one.
    transaction.on_commit(remove, robust=True)


@receiver(post_delete, sender=Creative)
def note_deletion(instance: Creative, **_: Any) -> None:
    name = " ".join(filter(None, (instance.advertisement_id, instance.name)))
    record(Action.CREATIVE_DELETED, name, id=instance.pk)
