"""Label batches on the pages: set for a filtered list or ticked creatives, and undone."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Label, LabelBatch, Segment

pytestmark = pytest.mark.django_db
LIST = "/admin/creatives/creative/"
BATCHES = f"{LIST}batches/"
MANY = 250


@pytest.fixture
def page(client: Client, analyst: User) -> Client:
    client.force_login(analyst)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def creatives(db: None) -> None:
    """Creatives for several pages of the list; the first three are labelled."""
    Creative.objects.bulk_create(
        Creative(name=f"{number}.mp4", state="failed" if number % 2 else "done")
        for number in range(MANY)
    )
    for creative in Creative.objects.order_by("pk")[:3]:
        set_label(creative, Segment.objects.get(pk=3), None)


def act(page: Client, query: str = "", **fields: Any) -> str:
    """Run the action of the list; return the address that it redirects to."""
    response = page.post(f"{LIST}?{query}", {"action": "set_segment", **fields})
    assert response.status_code == 302
    return str(response["Location"])


def across(page: Client, query: str = "") -> str:
    some = list(Creative.objects.values_list("pk", flat=True)[:5])
    return act(page, query, _selected_action=some, select_across="1")


def test_a_filtered_list_is_previewed_labelled_and_undone(page: Client, creatives: None) -> None:
    address = across(page, "state__exact=done&reviewed=no&p=2")
    # The address contains the query of the list, not the keys of its rows.
    assert len(address) < 200
    response = page.get(address)
    assert response.context["before"] == [
        {"segment": "Not classified", "creatives": "123", "labelled": "0", "changing": "123"}
    ]
    assert list(response.context["listed"].chips) == [
        "State: Done", "Reviewed: Not labelled by a person"
    ]  # fmt: skip
    assert "Set for" not in response.content.decode()

    response = page.get(f"{address}&set=5")
    assert response.context["changing"] == 123
    assert Label.objects.count() == 3
    response = page.post(f"{address}&set=5", {"expected": "123", "note": "по списку"}, follow=True)
    assert "The segment of 123 creatives is set" in response.content.decode()
    batch = LabelBatch.objects.get()
    assert (batch.labels.count(), batch.size, batch.note) == (123, 123, "по списку")

    # The page of batches names the author and links to a list of the creatives.
    shown = page.get(BATCHES).content.decode()
    assert all(part in shown for part in ("по списку", "analyst", f"{LIST}?batch={batch.pk}"))
    listed = page.get(f"{LIST}?batch={batch.pk}").context["cl"]
    assert listed.result_count == 123
    for unknown in ("0", "nonsense", "9" * 30, "9" * 5000):
        assert page.get(f"{LIST}?batch={unknown}").context["cl"].result_count == 0
    page.post(reverse("admin:creatives_creative_undo", args=[batch.pk]))
    rows = Creative.objects.with_effective_segment()
    assert rows.filter(label_segment__isnull=False).count() == 3
    assert "undone" in page.get(BATCHES).content.decode()


def test_the_number_of_queries_does_not_grow_with_the_list(
    page: Client, creatives: None, django_assert_max_num_queries: Any
) -> None:
    address = f"{across(page)}&set=5"
    with django_assert_max_num_queries(20):
        assert page.get(address).context["changing"] == MANY
    with django_assert_max_num_queries(15):
        page.post(address, {"expected": str(MANY)})
    assert LabelBatch.objects.get().size == MANY


def test_creatives_with_this_label_get_no_second_one(page: Client, creatives: None) -> None:
    response = page.get(f"{across(page, 'reviewed=yes')}&set=3")
    assert (response.context["changing"], response.context["same"]) == (0, "3")
    assert "There is nothing to set" in response.content.decode()


def test_a_search_is_part_of_the_list(page: Client, creatives: None) -> None:
    response = page.get(across(page, "q=249.mp4"))
    assert list(response.context["listed"].chips) == ["found by: 249.mp4"]
    assert [row["creatives"] for row in response.context["before"]] == ["1"]
    back = response.context["listed"].back
    assert page.get(back).context["cl"].result_count == 1


def test_only_ticked_creatives_are_labelled(page: Client, creatives: None) -> None:
    chosen = [Creative.objects.order_by("pk")[number].pk for number in (7, 9)]
    address = act(page, "state__exact=failed", _selected_action=chosen)
    assert sorted(parse_qs(urlsplit(address).query)["creative"]) == sorted(map(str, chosen))
    assert page.get(address).context["listed"].back == f"{LIST}?state__exact=failed"
    page.post(f"{address}&set=5", {"expected": "2"})
    labels = LabelBatch.objects.get().labels.order_by("creative")
    assert list(labels.values_list("creative", flat=True)) == chosen


def test_nothing_is_set_without_a_segment_or_when_the_list_changed(
    page: Client, creatives: None
) -> None:
    address = across(page, "reviewed=no")
    page.post(address, {"expected": "247"})
    set_label(Creative.objects.order_by("pk")[10], Segment.objects.get(pk=1), None)
    response = page.post(f"{address}&set=5", {"expected": "247"}, follow=True)
    assert "The list has changed since you opened it" in response.content.decode()
    assert not LabelBatch.objects.exists()
    nonsense = reverse("admin:creatives_creative_relabel") + "?list=name__nonsense%3D1"
    assert page.get(nonsense)["Location"] == LIST


def test_viewers_cannot_set_or_undo_labels(creatives: None) -> None:
    user = User.objects.create_user("looking", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_creative"))
    looking = Client()
    looking.force_login(user)
    batch = LabelBatch.objects.create(segment_id=3, size=0)
    undo = reverse("admin:creatives_creative_undo", args=[batch.pk])
    shown = looking.get(BATCHES)
    assert shown.status_code == 200
    assert undo not in shown.content.decode()
    assert "set_segment" not in looking.get(LIST).content.decode()
    relabel = reverse("admin:creatives_creative_relabel") + "?list=&set=5"
    assert looking.get(relabel).status_code == 403
    assert looking.post(relabel, {"expected": "250"}).status_code == 403
    assert looking.post(undo).status_code == 403
    assert Label.objects.count() == 3


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000])
def test_a_number_too_long_for_a_segment_is_none(
    page: Client, creatives: None, number: str
) -> None:
    assert page.get(f"{across(page)}&set={number}").context["segment"] is None
    assert page.get(f"{LIST}?segment={number}").context["cl"].result_count == 0
