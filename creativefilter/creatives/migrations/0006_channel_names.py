"""The channels get one name each: in states of creatives, stages of jobs, results, predictions."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db import migrations, models

STAGES = {'transcribing': 'speech', 'reading': 'screen', 'seeing': 'pictures'}
CHANNELS = {'video': 'pictures'}
BATCH = 500


def reversed_(names: dict[str, str]) -> dict[str, str]:
    return {new: old for old, new in names.items()}


def rename(apps: Any, stages: dict[str, str], channels: dict[str, str]) -> None:
    for old, new in stages.items():
        apps.get_model('creatives', 'Creative').objects.filter(state=old).update(state=new)
    rename_in_jobs(apps, stages, channels)

    def in_prediction(row: Any) -> bool:
        return rename_values(row.channels, 'name', channels)

    in_batches(apps.get_model('creatives', 'Prediction'), {}, ['channels'], in_prediction)


def rename_in_jobs(apps: Any, stages: dict[str, str], channels: dict[str, str]) -> None:
    jobs = apps.get_model('jobs', 'Job')
    analyses = jobs.objects.filter(kind='analyse')
    for old, new in stages.items():
        # Messages on their way name the former stage and find nothing: the sweep sends them again.
        analyses.filter(stage=old, state='queued').update(published_at=None)
        analyses.filter(stage=old).update(stage=new)

    def in_job(row: Any) -> bool:
        changed = rename_values(row.timings, 'stage', stages)
        if isinstance(row.result, dict):
            changed |= rename_values(row.result.get('channels'), 'name', channels)
        return changed

    in_batches(jobs, {'kind': 'analyse'}, ['timings', 'result'], in_job)


def rename_values(rows: Any, key: str, names: dict[str, str]) -> bool:
    """Whether a value of ``key`` in a list of dictionaries was renamed."""
    changed = False
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get(key) in names:
            row[key] = names[row[key]]
            changed = True
    return changed


def in_batches(
    model: Any, chosen: dict[str, Any], fields: list[str], change: Callable[[Any], bool]
) -> None:
    """Saves ``fields`` of the rows that ``change`` changed; no more than a batch is in memory."""
    for rows in batches(model, chosen, fields):
        if changed := [row for row in rows if change(row)]:
            model.objects.bulk_update(changed, fields, batch_size=100)


def batches(model: Any, chosen: dict[str, Any], fields: list[str]) -> Iterator[list[Any]]:
    rows = model.objects.filter(**chosen).only('pk', *fields).order_by('pk')
    last: Any = None
    while True:
        found = list((rows if last is None else rows.filter(pk__gt=last))[:BATCH])
        if not found:
            return
        last = found[-1].pk
        yield found


def forwards(apps: Any, schema_editor: Any) -> None:
    rename(apps, STAGES, CHANNELS)


def backwards(apps: Any, schema_editor: Any) -> None:
    rename(apps, reversed_(STAGES), reversed_(CHANNELS))


class Migration(migrations.Migration):

    dependencies = [
        ('creatives', '0005_families'),
        ('jobs', '0002_timings_and_quota'),
    ]

    operations = [
        migrations.AlterField(
            model_name='creative',
            name='state',
            field=models.CharField(
                choices=[
                    ('queued', 'Queued'), ('decoding', 'Decoding'), ('speech', 'Speech'),
                    ('screen', 'Screen'), ('pictures', 'Pictures'),
                    ('classifying', 'Classifying'), ('done', 'Done'), ('failed', 'Failed'),
                ],
                default='queued', max_length=16, verbose_name='state',
            ),
        ),
        migrations.RunPython(forwards, backwards),
    ]
