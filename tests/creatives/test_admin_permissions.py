"""Permissions on the pages of creatives."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from creativefilter.creatives.models import Creative, Label
from creativefilter.jobs.models import Job
from tests.creatives.analysing import run, take_in

pytestmark = pytest.mark.django_db
LIST = "/admin/creatives/creative/"


@pytest.fixture
def creative(folders: Path) -> Creative:
    received = take_in(b"bytes", "1.avi", is_demo=True)
    run(received.job)
    return received.creative


def someone(*permissions: str) -> Client:
    """Return the client of a staff member with only these permissions."""
    user = User.objects.create_user(f"user-{'-'.join(permissions)}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def pages(creative: Creative) -> list[tuple[str, str]]:
    one = f"{LIST}{creative.pk}/"
    return [
        ("get", LIST),
        ("get", f"{LIST}add/"),
        ("get", f"{LIST}progress/?id={creative.pk}"),
        ("get", f"{one}change/"),
        ("get", f"{one}delete/"),
        ("post", f"{one}label/"),
        ("post", f"{one}again/"),
        ("get", "/admin/creatives/segment/"),
        ("get", "/admin/creatives/modelversion/"),
        ("get", "/admin/jobs/job/"),
    ]


def test_without_a_login_every_page_redirects_to_it(creative: Creative) -> None:
    for method, address in pages(creative):
        response = getattr(Client(), method)(address)
        assert response.status_code == 302, address
        assert "/admin/login/" in response["Location"], address


def test_staff_without_permissions_see_and_change_nothing(creative: Creative) -> None:
    client = someone()
    for method, address in pages(creative):
        assert getattr(client, method)(address).status_code == 403, address
    assert Job.objects.count() == 1
    assert not Label.objects.exists()


def test_viewers_see_no_buttons_that_change_anything(creative: Creative) -> None:
    client = someone("view_creative")
    one = f"{LIST}{creative.pk}/"
    text = client.get(f"{one}change/").content.decode()
    for action in ("label", "again", "delete"):
        assert f"{one}{action}/" not in text
    assert client.get(LIST).status_code == 200
    for method, tail in (("post", "label/"), ("post", "again/"), ("get", "delete/")):
        assert getattr(client, method)(f"{one}{tail}").status_code == 403
    upload = {"files": SimpleUploadedFile("2.avi", b"two")}
    assert client.post(f"{LIST}add/", upload).status_code == 403
    client.post(LIST, {"action": "analyse_again", "_selected_action": [creative.pk]})
    assert Job.objects.count() == Creative.objects.count() == 1


def test_the_permission_to_label_is_enough_to_label(creative: Creative) -> None:
    client = someone("view_creative", "add_label")
    one = f"{LIST}{creative.pk}/"
    assert client.post(f"{one}label/", {"segment": "3"}).status_code == 302
    assert Label.objects.get().segment_id == 3
    assert client.post(f"{one}again/").status_code == 403


def test_demonstration_creatives_are_removed_by_those_who_may_delete(
    creative: Creative, folders: Path
) -> None:
    own = take_in(b"own bytes", "2.avi").creative
    address, answer = reverse("admin:creatives_creative_remove_demo"), {"_form_submitted": "True"}
    assert someone("view_creative", "change_creative").post(address, answer).status_code == 403
    assert Creative.objects.filter(is_demo=True).exists()
    assert someone("view_creative", "delete_creative").post(address, answer).status_code < 400
    assert list(Creative.objects.all()) == [own]
