"""The audit log records actions of leads and administrators: who, when, what and from where."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from creativefilter.accounts import audit, tokens
from creativefilter.accounts.models import AuditEntry
from creativefilter.accounts.roles import Role, assign
from creativefilter.creatives.models import Creative, LabelBatch, ModelVersion
from creativefilter.spend.models import SpendImport
from creativefilter.webhooks import endpoints
from creativefilter.webhooks.models import Endpoint

pytestmark = pytest.mark.django_db
ADDRESS = "192.0.2.9"
PASSWORD = "long-enough-to-pass-8"


@pytest.fixture
def lead() -> Client:
    user = User.objects.create_user("lena", password=PASSWORD)
    assign(user, Role.LEAD)
    client = Client(headers={"Accept-Language": "en"}, REMOTE_ADDR=ADDRESS)
    client.force_login(User.objects.get(pk=user.pk))
    AuditEntry.objects.all().delete()
    return client


@pytest.fixture
def program() -> dict[str, Any]:
    """Options of a client that sends the token of a lead."""
    user = User.objects.create_user("robot")
    assign(user, Role.LEAD)
    value = tokens.issue(user, "plan").value
    AuditEntry.objects.all().delete()
    return {"headers": {"Authorization": f"Token {value}"}, "REMOTE_ADDR": ADDRESS}


def entries() -> list[tuple[str, str, str, str]]:
    rows = AuditEntry.objects.order_by("pk")
    return [(one.actor_name, one.action, one.subject, one.address) for one in rows]


def test_a_deleted_creative_is_audited(lead: Client) -> None:
    creative = Creative.objects.create(advertisement_id="12", name="12.mp4")
    lead.post(reverse("admin:creatives_creative_delete", args=[creative.pk]), {"post": "yes"})
    assert entries() == [("lena", "creative_deleted", "12 12.mp4", ADDRESS)]


def test_a_label_batch_and_its_undoing_by_a_program_are_audited(program: dict[str, Any]) -> None:
    creative = Creative.objects.create(advertisement_id="12", name="12.mp4")
    client = Client(**program)
    body = {"segment_num": 3, "creatives": [creative.pk]}
    made = client.post("/api/v1/labels/batches", body, content_type="application/json")
    assert made.status_code == 201, made.content
    undone = client.post(f"/api/v1/labels/batches/{LabelBatch.objects.get().pk}/undo")
    assert undone.status_code == 200
    assert [one[:2] for one in entries()] == [("robot", "labels_set"), ("robot", "labels_undone")]
    assert AuditEntry.objects.first().details["count"] == 1  # type: ignore[union-attr]


def test_an_activated_version_is_audited(lead: Client) -> None:
    version = ModelVersion.objects.create(name="other", digest="d" * 64, folder="x", metrics={})
    address = reverse("admin:creatives_modelversion_activate_version", args=[version.pk])
    lead.post(address, {"_form_submitted": "True"})
    assert entries()[0] == ("lena", "version_activated", str(version), ADDRESS)


def test_a_spend_import_and_its_deletion_are_audited(
    lead: Client, tmp_path: Any, settings: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    row = SpendImport.objects.create(name="march.csv", state=SpendImport.State.CHECKED)
    lead.post(reverse("admin:spend_import_import", args=[row.pk]), {"mode": ""})
    SpendImport.objects.filter(pk=row.pk).update(job=None)
    lead.post(reverse("admin:spend_spendimport_delete", args=[row.pk]), {"post": "yes"})
    assert [one[1] for one in entries()] == ["spend_imported", "spend_deleted"]


def test_changes_of_users_are_audited_without_secrets(lead: Client) -> None:
    form = {"username": "mary", "usable_password": "true", "password1": PASSWORD,
            "password2": PASSWORD, "role": "analyst"}  # fmt: skip
    lead.post("/admin/auth/user/add/", form)
    mary = User.objects.get(username="mary")
    value = tokens.issue(mary, "plan").value
    change = reverse("admin:auth_user_password_change", args=[mary.pk])
    new = "another-long-one-9"
    lead.post(change, {"password1": new, "password2": new, "usable_password": "true"})
    lead.post(reverse("admin:auth_user_change", args=[mary.pk]), {"username": "mary", "role": ""})
    actions = [one[1] for one in entries()]
    assert actions[:2] == ["user_added", "role_changed"]
    assert {"token_created", "password_changed", "tokens_revoked", "user_changed"} <= set(actions)
    written = str(list(AuditEntry.objects.values()))
    assert not [secret for secret in (PASSWORD, new, value, mary.password) if secret in written]


@pytest.mark.parametrize("together_with_others", [False, True])
def test_superusers_who_delete_themselves_are_audited_by_name(together_with_others: bool) -> None:
    root, other = User.objects.create_superuser("root"), User.objects.create_user("other")
    endpoints.register(root, "https://hooks.example.com/a", ["job.done"])
    client = Client(REMOTE_ADDR=ADDRESS)
    client.force_login(root)
    AuditEntry.objects.all().delete()
    address = reverse("admin:auth_user_delete", args=[root.pk])
    form: dict[str, Any] = {"post": "yes"}
    if together_with_others:
        address = reverse("admin:auth_user_changelist")
        form |= {"action": "delete_selected", "_selected_action": [other.pk, root.pk]}
    assert client.post(address, form).status_code == 302
    connection.check_constraints()
    assert not User.objects.filter(pk=root.pk).exists()
    expected = {
        ("root", "webhook_deleted", "https://hooks.example.com/a", ADDRESS),
        ("root", "user_deleted", "root", ADDRESS),
    }
    if together_with_others:
        expected.add(("root", "user_deleted", "other", ADDRESS))
    assert set(entries()) == expected
    assert len(entries()) == len(expected)


def test_changes_of_webhooks_are_audited(lead: Client) -> None:
    form = {"url": "https://hooks.example.com/a", "events": ["job.done"], "active": "on"}
    lead.post("/admin/webhooks/endpoint/add/", form)
    endpoint = Endpoint.objects.get()
    lead.post(reverse("admin:webhooks_endpoint_secret", args=[endpoint.pk]))
    lead.post(reverse("admin:webhooks_endpoint_delete", args=[endpoint.pk]), {"post": "yes"})
    actions = [one[1] for one in entries()]
    assert actions == ["webhook_added", "webhook_changed", "webhook_deleted"]


def test_failed_delayed_and_successful_logins_are_audited(monkeypatch: pytest.MonkeyPatch) -> None:
    # The clock stands still: on a slow machine a delay of a second would be over at once.
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    caches["rates"].clear()
    User.objects.create_superuser("root", password=PASSWORD)
    AuditEntry.objects.all().delete()
    client = Client(REMOTE_ADDR=ADDRESS)
    for _time in range(10):
        client.post("/admin/login/", {"username": "root", "password": "wrong"})
    caches["rates"].clear()
    client.post("/admin/login/", {"username": "root", "password": PASSWORD})
    found = [(name, action) for name, action, _subject, _address in entries()]
    # Of the attempts during a delay only the first one has an entry.
    refused = [("root", "login_failed")] * 3 + [("root", "login_delayed")]
    assert found == [*refused, ("root", "login")]
    assert {address for *_rest, address in entries()} == {ADDRESS}


def test_a_refused_action_is_not_audited(lead: Client) -> None:
    viewer = User.objects.create_user("viewer")
    assign(viewer, Role.VIEWER)
    creative = Creative.objects.create(name="x")
    client = Client()
    client.force_login(viewer)
    AuditEntry.objects.all().delete()
    address = reverse("admin:creatives_creative_delete", args=[creative.pk])
    assert client.post(address, {"post": "yes"}).status_code == 403
    assert entries() == []


def test_superusers_read_the_audit_log_and_can_not_change_it(lead: Client) -> None:
    audit.record(audit.Action.LOGIN_FAILED, by="somebody")
    audit.record(audit.Action.CREATIVE_DELETED, "12.mp4")
    old = AuditEntry.objects.get(action="creative_deleted")
    AuditEntry.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=40))
    page = "/admin/accounts/auditentry/"
    assert lead.get(page).status_code == 403
    root = User.objects.create_superuser("root")
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(root)
    AuditEntry.objects.filter(action="user_added").delete()

    def shown(query: str) -> set[str]:
        found = client.get(page + query).context["cl"].queryset
        return set(found.values_list("action", flat=True))

    assert shown("") == {"login", "login_failed", "creative_deleted"}
    assert shown("?action__exact=login_failed") == {"login_failed"}
    assert shown(f"?actor__id__exact={root.pk}") == {"login"}
    day = timezone.localtime(timezone.now() - timedelta(days=40))
    query = f"?at__year={day.year}&at__month={day.month}&at__day={day.day}"
    assert shown(query) == {"creative_deleted"}
    assert shown("?q=12.mp4") == {"creative_deleted"}
    entry = reverse("admin:accounts_auditentry_change", args=[old.pk])
    assert client.get(entry).status_code == 200
    assert client.post(entry, {"action": "login"}).status_code == 403
    address = reverse("admin:accounts_auditentry_delete", args=[old.pk])
    assert client.post(address, {"post": "yes"}).status_code == 403


def test_old_entries_are_deleted(settings: Any) -> None:
    settings.AUDIT_DAYS = 30
    audit.record(audit.Action.LOGIN)
    audit.record(audit.Action.LOGIN_FAILED)
    old = timezone.now() - timedelta(days=31)
    AuditEntry.objects.filter(action="login").update(at=old)
    assert audit.remove_old() == 1
    assert [one[1] for one in entries()] == ["login_failed"]
