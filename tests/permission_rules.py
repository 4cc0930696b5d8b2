"""Which role may call which route: the table for ``test_permission_matrix.py``.

That test fails for each route without a rule. To add one:

    RULES["GET api:thing"] = Rule(VIEWERS, "thing")             # reverse("api:thing", [SHARED…])
    RULES["DELETE api:hook"] = Rule(VIEWERS, "hook", private=True)

- The key is the method and the route's name with its namespace; for a route without a name, the
  method and its pattern (``GET /docs``). Every method of a REST view needs a rule, a page of the
  admin at least one; ``pages(…)`` adds the rules of a model's pages.
- ``Rule(allowed, arguments, …)``: ``allowed`` is one of the sets below. ``arguments``, separated by
  blanks, are the arguments of the address: keys of ``SHARED`` (created once) or of ``PRIVATE``
  (created for each user), else the words themselves.
- ``private``: objects of another user of the same role answer 404 (or redirect to the index, as
  Django's own pages do), except for the roles in ``beyond``, which may access objects of all users.
- ``query`` is appended to the address; ``also`` are status codes above 400 that count as allowed.

Requests have an empty body, and their changes are undone. A request counts as allowed unless it is
answered with 401, 403, 404, 405 or a redirect to the login page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import Group, User
from django.core.files.base import ContentFile
from django.utils import timezone
from knox.models import AuthToken

from creativefilter.accounts.models import AuditEntry
from creativefilter.creatives import decision_settings
from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.models import (
    Creative,
    Label,
    LabelBatch,
    MediaVersion,
    ModelVersion,
    Prediction,
    Segment,
    WaitingLabel,
    WatchedFile,
)
from creativefilter.jobs.models import Job
from creativefilter.spend.models import SpendImport
from creativefilter.spend.reports import export_jobs
from creativefilter.tables.models import Table
from creativefilter.webhooks.models import Delivery, Endpoint

ANYONE = frozenset({"anonymous", "viewer", "analyst", "lead"})
VIEWERS = frozenset({"viewer", "analyst", "lead"})
ANALYSTS = frozenset({"analyst", "lead"})
LEADS = frozenset({"lead"})
NO_ROLE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rule:
    """Who may call a route; the module's docstring explains the fields."""

    allowed: frozenset[str]
    arguments: str = ""
    private: bool = False
    query: str = ""
    also: frozenset[int] = frozenset()
    beyond: frozenset[str] = NO_ROLE


def creative() -> object:
    return Creative.objects.get_or_create(advertisement_id="1", name="1.mp4", is_demo=True)[0].pk


def media() -> object:
    if found := MediaVersion.objects.first():
        return found.pk
    row = MediaVersion(creative_id=creative(), original_name="1.wav", sha256="0" * 64, size=4)
    row.file.save("1.wav", ContentFile(b"RIFF"), save=True)
    folder = working_copies.folder(row.pk)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / working_copies.AUDIO).write_bytes(b"RIFF")
    return row.pk


def batch() -> object:
    return LabelBatch.objects.create(segment=Segment.objects.get(pk=3), size=1).pk


def label() -> object:
    return Label.objects.create(creative_id=creative(), segment_id=3).pk


def version() -> object:
    known = {"digest": "0" * 64, "folder": "nowhere"}
    return ModelVersion.objects.get_or_create(name="a version", **known)[0].pk


def prediction() -> object:
    of = {"creative_id": creative(), "media_id": media(), "model_version_id": version()}
    return Prediction.objects.create(**of).pk


def watched_file() -> object:
    now = timezone.now()
    return WatchedFile.objects.create(path="3.mp4", size=1, modified_ns=1, seen_at=now).pk


def spend_import() -> object:
    return SpendImport.objects.create(name="spend.csv").pk


def waiting_label() -> object:
    return WaitingLabel.objects.create(advertisement_id="2", segment_id=3).pk


def somebody() -> object:
    return User.objects.create_user("somebody").pk


def job(owner: User) -> object:
    params = {"creative": creative(), "media": media()}
    return Job.objects.create(kind="analyse", stage="decoding", params=params, owner=owner).pk


def export(owner: User) -> object:
    params = {"query": "", "form": "csv", "language": "en"}
    kind = export_jobs.SPEND_EXPORT
    row = Job.objects.create(
        kind=kind.name, stage=kind.stages[0].name, state=Job.State.DONE, params=params, owner=owner
    )
    path = export_jobs.file_of(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return row.pk


def table(owner: User) -> object:
    row = Table(owner=owner, job_id=job(owner), name="ids.csv")
    row.file.save("ids.csv", ContentFile(b"Advertisement ID\n1\n"), save=True)
    return row.pk


def token(owner: User) -> object:
    return AuthToken.objects.create(user=owner)[0].details.pk


def webhook(owner: User) -> object:
    url = "https://hooks.example.com/"
    return Endpoint.objects.get_or_create(owner=owner, url=url, events=["job.done"])[0].pk


def delivery(owner: User) -> object:
    body = {"endpoint_id": webhook(owner), "event": "webhook.test", "body": "{}"}
    return Delivery.objects.create(**body).pk


# Objects by their word in ``Rule.arguments``: each function creates one and returns its argument of
# the address.
SHARED: dict[str, Callable[[], object]] = {
    "creative": creative,
    "media": media,
    "batch": batch,
    "label": label,
    "version": version,
    "prediction": prediction,
    "watched_file": watched_file,
    "spend_import": spend_import,
    "waiting_label": waiting_label,
    "settings_row": lambda: decision_settings.current().pk,
    "somebody": somebody,
    "entry": lambda: AuditEntry.objects.create(action="login").pk,
    "group": lambda: Group.objects.create(name="press office").pk,
}
PRIVATE: dict[str, Callable[[User], object]] = {
    "job": job,
    "export": export,
    "table": table,
    "token": token,
    "webhook": webhook,
    "delivery": delivery,
}

# An id without an object: users who may view such objects get 404.
NOTHING = "00000000-0000-0000-0000-000000000000"

RULES: dict[str, Rule] = {}


def pages(
    model: str,
    thing: str,
    *,
    see: frozenset[str],
    add: frozenset[str] = NO_ROLE,
    change: frozenset[str] | None = None,
    delete: frozenset[str] = NO_ROLE,
    private: bool = False,
    beyond: frozenset[str] = NO_ROLE,
) -> None:
    """Add the rules of a model's admin pages.

    Args:
        model: App label and model name, joined by an underscore.
        thing: Word for the object in the addresses.
        see: Who may open the list and an object's page.
        add: Who may add an object.
        change: Who may save an object's page; None if it has no POST rule.
        delete: Who may delete an object.
        private: See the module's docstring.
        beyond: See the module's docstring.
    """
    name = f"admin:{model}"
    address = "/admin/" + model.replace("_", "/", 1)
    RULES[f"GET {name}_changelist"] = Rule(see)
    RULES[f"GET {name}_add"] = Rule(add)
    RULES[f"POST {name}_add"] = Rule(add)
    RULES[f"GET {name}_history"] = Rule(see, thing, private, beyond=beyond)
    RULES[f"GET {name}_change"] = Rule(see, thing, private, beyond=beyond)
    if change is not None:
        RULES[f"POST {name}_change"] = Rule(change, thing, private, beyond=beyond)
    RULES[f"GET {name}_delete"] = Rule(delete, thing, private, beyond=beyond)
    RULES[f"POST {name}_delete"] = Rule(delete, thing, private, beyond=beyond)
    # Redirects to the object's page, which checks the permission.
    RULES[f"GET {address}/<path:object_id>/"] = Rule(VIEWERS, thing)


# The site

RULES |= {
    "GET /": Rule(ANYONE),
    "GET /docs": Rule(ANYONE),
    "POST set_language": Rule(ANYONE),
    "GET system-check": Rule(LEADS),
    "POST system-check": Rule(LEADS),
    "POST reference-predict": Rule(ANALYSTS),
    "POST reference-predict-table": Rule(ANALYSTS),
}

# The admin

RULES |= {
    "GET admin:index": Rule(VIEWERS),
    "GET admin:login": Rule(ANYONE),
    "POST admin:login": Rule(ANYONE),
    "POST admin:logout": Rule(ANYONE),
    "GET admin:password_change": Rule(VIEWERS),
    # Overrides the admin's route (``creativefilter.urls``).
    "GET /admin/password_change/": Rule(VIEWERS),
    "GET admin:password_change_done": Rule(VIEWERS),
    "GET admin:search": Rule(VIEWERS, query="?s=a"),
    # No form of the project uses autocomplete fields.
    "GET admin:autocomplete": Rule(NO_ROLE),
    "GET admin:jsi18n": Rule(VIEWERS),
    "GET admin:view_on_site": Rule(VIEWERS, "1 1", also=frozenset({404})),
    "GET admin:app_list": Rule(VIEWERS, "creatives"),
    "GET /admin/(?P<url>.*)$": Rule(VIEWERS, "nowhere", also=frozenset({404})),
    "GET admin:creatives_progress": Rule(VIEWERS),
    "POST admin:creatives_label": Rule(ANALYSTS, "creative"),
    "POST admin:creatives_again": Rule(ANALYSTS, "creative"),
    "POST admin:creatives_identify": Rule(ANALYSTS, "creative"),
    "GET admin:creatives_creative_needing_a_person": Rule(VIEWERS),
    "GET admin:creatives_creative_relabel": Rule(ANALYSTS, query="?set=3"),
    "POST admin:creatives_creative_relabel": Rule(ANALYSTS, query="?set=3"),
    "POST admin:creatives_creative_family": Rule(ANALYSTS, "creative"),
    "GET admin:creatives_creative_batches": Rule(VIEWERS),
    "GET admin:creatives_creative_retry_failed": Rule(ANALYSTS),
    "POST admin:creatives_creative_retry_failed": Rule(ANALYSTS),
    "POST admin:creatives_creative_undo": Rule(ANALYSTS, "batch"),
    "GET admin:creatives_creative_remove_demo": Rule(LEADS),
    "POST admin:creatives_creative_remove_demo": Rule(LEADS),
    "GET admin:training_version_figures": Rule(VIEWERS, "version", also=frozenset({404})),
    "GET admin:accounts_tokendetails_revoke_all": Rule(VIEWERS),
    "GET admin:auth_user_revoke_tokens": Rule(LEADS, "somebody"),
    "GET admin:creatives_modelversion_activate_version": Rule(LEADS, "version"),
    "POST admin:creatives_modelversion_activate_version": Rule(LEADS, "version"),
    "GET admin:creatives_modelversion_choose_ancestor": Rule(LEADS, "version"),
    "POST admin:creatives_modelversion_choose_ancestor": Rule(LEADS, "version"),
    "GET admin:spend_plotly": Rule(ANYONE, "0", also=frozenset({404})),
    "GET admin:spend_advertisement_changelist": Rule(VIEWERS),
    "GET admin:spend_charts": Rule(VIEWERS),
    "GET admin:spend_overview": Rule(VIEWERS),
    "GET admin:spend_chart": Rule(VIEWERS, "years"),
    "GET admin:spend_table": Rule(VIEWERS, "years csv"),
    "GET admin:spend_choices": Rule(VIEWERS, "segment"),
    "GET admin:spend_export": Rule(VIEWERS, "csv"),
    "GET admin:spend_exported": Rule(VIEWERS, "export", private=True),
    "GET admin:spend_exported_file": Rule(VIEWERS, "export", private=True),
    "GET admin:spend_working": Rule(VIEWERS, NOTHING, also=frozenset({404})),
    "GET admin:spend_relabel": Rule(ANALYSTS, query="?set=3"),
    "POST admin:spend_relabel": Rule(ANALYSTS, query="?set=3"),
    "POST admin:spend_exported_cancel": Rule(VIEWERS, "export", private=True),
    "GET admin:spend_import_progress": Rule(VIEWERS),
    "POST admin:spend_import_check": Rule(ANALYSTS, "spend_import"),
    "POST admin:spend_import_import": Rule(ANALYSTS, "spend_import"),
    "POST admin:spend_import_cancel": Rule(ANALYSTS, "spend_import"),
    "GET admin:auth_user_password_change": Rule(LEADS, "somebody"),
    "POST admin:auth_user_password_change": Rule(LEADS, "somebody"),
}
pages("creatives_creative", "creative", see=VIEWERS, add=ANALYSTS, delete=LEADS)
pages("creatives_segment", "3", see=VIEWERS, add=LEADS, change=LEADS)
pages("creatives_segmentgroup", "banks", see=VIEWERS, add=LEADS, change=LEADS)
_SEGMENT = "admin:creatives_segment"
RULES |= {
    f"GET {_SEGMENT}_groups": Rule(VIEWERS),
    f"GET {_SEGMENT}_import_segments": Rule(LEADS),
    f"POST {_SEGMENT}_import_segments": Rule(LEADS),
    f"GET {_SEGMENT}_merge_segment": Rule(LEADS, "3"),
    f"POST {_SEGMENT}_merge_segment": Rule(LEADS, "3"),
    f"GET {_SEGMENT}_undo_merge": Rule(LEADS, "6"),
    f"POST {_SEGMENT}_undo_merge": Rule(LEADS, "6"),
    f"GET {_SEGMENT}_retire_segment": Rule(LEADS, "3"),
    f"POST {_SEGMENT}_retire_segment": Rule(LEADS, "3"),
    f"GET {_SEGMENT}_restore_segment": Rule(LEADS, "3"),
    f"POST {_SEGMENT}_restore_segment": Rule(LEADS, "3"),
}
pages("creatives_waitinglabel", "waiting_label", see=VIEWERS, change=NO_ROLE)
pages("creatives_watchedfile", "watched_file", see=VIEWERS, change=NO_ROLE)
RULES["POST admin:creatives_explain"] = Rule(ANALYSTS, "creative")
pages("creatives_decisionsettings", "settings_row", see=VIEWERS, change=NO_ROLE)
RULES["POST admin:creatives_decisionsettings_changelist"] = Rule(LEADS)
pages("creatives_modelversion", "version", see=VIEWERS, change=NO_ROLE)
pages("spend_spendimport", "spend_import", see=VIEWERS, add=ANALYSTS, delete=LEADS)
RULES |= {
    "POST admin:jobs_job_retry": Rule(ANALYSTS, "job", private=True),
    "POST admin:jobs_job_cancel": Rule(ANALYSTS, "job", private=True),
}
pages("jobs_job", "job", see=VIEWERS, change=NO_ROLE, private=True)
RULES |= {
    "GET admin:tables_progress": Rule(ANALYSTS),
    "GET admin:tables_file": Rule(ANALYSTS, "table", private=True, also=frozenset({404})),
    "POST admin:tables_cancel": Rule(ANALYSTS, "table", private=True),
}
pages(
    "tables_table", "table",
    see=ANALYSTS, add=ANALYSTS, delete=ANALYSTS, private=True,
)  # fmt: skip
pages("auth_user", "somebody", see=LEADS, add=LEADS, change=LEADS)
pages("accounts_auditentry", "entry", see=NO_ROLE)
pages("auth_group", "group", see=NO_ROLE)
pages(
    "accounts_tokendetails", "token",
    see=VIEWERS, add=VIEWERS, change=NO_ROLE, delete=VIEWERS, private=True, beyond=LEADS,
)  # fmt: skip
pages(
    "webhooks_endpoint", "webhook",
    see=VIEWERS, add=VIEWERS, change=VIEWERS, delete=VIEWERS, private=True,
)  # fmt: skip
pages("webhooks_delivery", "delivery", see=VIEWERS, change=NO_ROLE, private=True)
_AGAIN = "admin:webhooks_delivery_send_again"
RULES |= {
    "POST admin:webhooks_endpoint_test": Rule(VIEWERS, "webhook", private=True),
    "POST admin:webhooks_endpoint_secret": Rule(VIEWERS, "webhook", private=True),
    "POST admin:webhooks_endpoint_again": Rule(VIEWERS, "webhook delivery", private=True),
    f"GET {_AGAIN}": Rule(VIEWERS, "delivery", private=True),
    f"POST {_AGAIN}": Rule(VIEWERS, "delivery", private=True),
}

# REST

RULES |= {
    "POST api:predict": Rule(ANALYSTS),
    "GET api:job": Rule(VIEWERS, "job", private=True),
    "GET api:jobs": Rule(VIEWERS),
    "POST api:job-cancel": Rule(ANALYSTS, "job", private=True),
    "POST api:job-retry": Rule(ANALYSTS, "job", private=True),
    "GET api:creatives": Rule(VIEWERS),
    "POST api:creatives": Rule(ANALYSTS),
    "GET api:creative": Rule(VIEWERS, "creative"),
    "PATCH api:creative": Rule(ANALYSTS, "creative"),
    "DELETE api:creative": Rule(LEADS, "creative"),
    "POST api:creative-analyse": Rule(ANALYSTS, "creative"),
    "POST api:creatives-retry-failed": Rule(ANALYSTS),
    "GET api:creative-predictions": Rule(VIEWERS, "creative"),
    "GET api:creative-labels": Rule(VIEWERS, "creative"),
    "GET api:predictions": Rule(VIEWERS),
    "GET api:prediction": Rule(VIEWERS, "prediction"),
    "GET api:labels": Rule(VIEWERS),
    "POST api:labels": Rule(ANALYSTS),
    "GET api:label": Rule(VIEWERS, "label"),
    "GET api:label-batches": Rule(VIEWERS),
    "POST api:label-batches": Rule(ANALYSTS),
    "GET api:label-batch": Rule(VIEWERS, "batch"),
    "POST api:label-batch-undo": Rule(ANALYSTS, "batch"),
    "GET api:segments": Rule(VIEWERS),
    "GET api:segment": Rule(VIEWERS, "3"),
    "GET api:model-versions": Rule(VIEWERS),
    "GET api:model-version-active": Rule(VIEWERS, also=frozenset({404})),
    "GET api:model-version": Rule(VIEWERS, "version"),
    "POST api:model-version-activate": Rule(LEADS, "version"),
    "GET api:media": Rule(VIEWERS, "media"),
    "GET api:working-copy": Rule(VIEWERS, f"media {working_copies.AUDIO}"),
    "GET api:spend-imports": Rule(VIEWERS),
    "POST api:spend-imports": Rule(ANALYSTS),
    "GET api:spend-import": Rule(VIEWERS, "spend_import"),
    "POST api:spend-import-start": Rule(ANALYSTS, "spend_import"),
    "POST api:spend-import-cancel": Rule(ANALYSTS, "spend_import"),
    "GET api:spend-import-bad-rows": Rule(VIEWERS, "spend_import"),
    "GET api:tables": Rule(ANALYSTS),
    "POST api:tables": Rule(ANALYSTS),
    "GET api:table": Rule(ANALYSTS, "table", private=True),
    "DELETE api:table": Rule(ANALYSTS, "table", private=True),
    "GET api:table-file": Rule(ANALYSTS, "table", private=True),
    "POST api:table-cancel": Rule(ANALYSTS, "table", private=True),
    "GET api:spend-report": Rule(VIEWERS, query="?by=segment"),
    "GET api:spend-report-monthly": Rule(VIEWERS, query="?by=segment"),
    "GET api:spend-report-expected": Rule(VIEWERS),
    "GET api:spend-creatives": Rule(VIEWERS),
    "GET api:exports": Rule(VIEWERS),
    "POST api:exports": Rule(VIEWERS),
    "GET api:export": Rule(VIEWERS, "export", private=True),
    "GET api:export-download": Rule(VIEWERS, "export", private=True),
    "GET api:tokens": Rule(VIEWERS),
    "POST api:tokens": Rule(VIEWERS),
    "DELETE api:tokens": Rule(VIEWERS),
    "GET api:token": Rule(VIEWERS, "token", private=True, beyond=LEADS),
    "DELETE api:token": Rule(VIEWERS, "token", private=True, beyond=LEADS),
    "GET api:webhooks": Rule(VIEWERS),
    "POST api:webhooks": Rule(VIEWERS),
    "GET api:webhook": Rule(VIEWERS, "webhook", private=True),
    "PATCH api:webhook": Rule(VIEWERS, "webhook", private=True),
    "DELETE api:webhook": Rule(VIEWERS, "webhook", private=True),
    "POST api:webhook-secret": Rule(VIEWERS, "webhook", private=True),
    "POST api:webhook-test": Rule(VIEWERS, "webhook", private=True),
    "GET api:webhook-deliveries": Rule(VIEWERS, "webhook", private=True),
    "GET api:webhook-delivery": Rule(VIEWERS, "webhook delivery", private=True),
    "POST api:webhook-redeliver": Rule(VIEWERS, "webhook delivery", private=True),
    "GET api:schema": Rule(VIEWERS),
    "GET api:docs": Rule(VIEWERS),
    "GET api:redoc": Rule(VIEWERS),
}

__all__ = ["PRIVATE", "RULES", "SHARED", "Rule"]
