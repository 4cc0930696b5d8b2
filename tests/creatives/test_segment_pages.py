"""Admin pages of segments: add, rename, merge, undo, retire, import; who may do it."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from creativefilter.accounts.models import AuditEntry
from creativefilter.accounts.roles import Role, assign
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Label, Segment, SegmentGroup
from creativefilter.creatives.segments import changes

pytestmark = pytest.mark.django_db
LIST = "/admin/creatives/segment/"
IMPORT = f"{LIST}import/"
NEW = {
    "number": "19", "group": "banks", "name": "Страхование", "name_en": "Insurance",
    "criteria": "ОСАГО", "criteria_en": "Motor insurance",
}  # fmt: skip


def client_of(role: Role) -> Client:
    user = User.objects.create_user(f"the-{role}")
    assign(user, role)
    client = Client()
    client.force_login(user)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def lead() -> Client:
    return client_of(Role.LEAD)


def page_of(number: int, name: str) -> str:
    return reverse(f"admin:creatives_segment_{name}", args=[number])


def labelled(number: int) -> Creative:
    row = Creative.objects.create(name="1.mp4")
    set_label(row, Segment.objects.get(pk=number), None)
    return row


def text(client: Client, address: str) -> str:
    response = client.get(address, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def messages_of(response: Any) -> list[str]:
    return [str(one) for one in response.context["messages"]]


def test_a_lead_adds_and_renames_a_segment(lead: Client) -> None:
    assert 'name="number" value="19"' in text(lead, f"{LIST}add/")
    assert lead.post(f"{LIST}add/", NEW).status_code == 302
    row = Segment.objects.get(pk=19)
    assert (row.name, row.group_id, row.merged_into_id) == ("Страхование", "banks", None)
    lead.post(page_of(19, "change"), {**NEW, "number": "20", "name": "Страховые продукты"})
    assert Segment.objects.get(pk=19).name == "Страховые продукты"
    assert not Segment.objects.filter(pk=20).exists()
    actions = AuditEntry.objects.order_by("pk").values_list("action", "actor_name")
    assert [one for one in actions if one[0].startswith("segment")] == [
        ("segment_added", "the-lead"), ("segment_changed", "the-lead")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "6"}, {"number": "-1"}, {"number": "10000"}, {"name": "музыка"},
        {"name_en": "MUSIC"}, {"name": ""}, {"group": ""},
    ],
)  # fmt: skip
def test_a_wrong_segment_is_not_added(lead: Client, wrong: dict[str, str]) -> None:
    response = lead.post(f"{LIST}add/", {**NEW, **wrong})
    assert response.status_code == 200
    assert response.context["errors"]
    assert Segment.objects.count() == 19
    assert not AuditEntry.objects.filter(action="segment_added").exists()


def test_others_only_read() -> None:
    for role in (Role.VIEWER, Role.ANALYST):
        client = client_of(role)
        assert "Credit cards" in text(client, LIST)
        assert 'name="name"' not in text(client, page_of(12, "change"))
        assert client.post(page_of(12, "change"), NEW).status_code == 403
        for address in (
            page_of(12, "merge_segment"),
            reverse("admin:creatives_segment_import_segments"),
        ):
            assert client.get(address).status_code == 403
            assert client.post(address, {"into": "13"}).status_code == 403
    assert Segment.objects.get(pk=12).merged_into_id is None


def test_no_segment_can_be_deleted(lead: Client) -> None:
    assert lead.post(page_of(12, "delete"), {"post": "yes"}).status_code == 403


def test_the_list_shows_labels_and_what_is_missing(lead: Client, settings: Any) -> None:
    settings.LEAST_LABELS_OF_SEGMENT = 3
    changes.save(Segment(number=19, name="Страхование", name_en="Insurance", group_id="banks"))
    for number in (19, 12, 6, 0):
        labelled(number)
    shown = re.sub(r"<[^>]+>|\s+", " ", text(lead, LIST))
    shown = re.sub(r"\s+", " ", shown)
    assert "Insurance Banks 1 Not learned yet. 2 more labels are needed for training." in shown
    assert "Credit cards Banks 1 The model knows it. 2 more labels" in shown
    assert "Promo / no delivery / no loyalty Retail 2 The model knows it." in shown
    assert "Segment 6 is merged into 0 and counts as 0." in shown
    labelled(19)
    labelled(19)
    page = text(lead, page_of(19, "change"))
    assert "Labels: 3. Not learned yet. There are enough labels for the next training." in page


def test_a_merge_is_previewed_done_and_undone(lead: Client) -> None:
    creative = labelled(12)
    address = page_of(12, "merge_segment")
    assert "data-moved" not in text(lead, address)
    assert '<option value="12"' not in text(lead, address)
    preview = text(lead, f"{address}?into=13")
    assert "Everything will count as 13 · Investment products." in preview
    assert "Labels: 1." in preview
    assert "Spend: 0.00 ₽, placements: 0." in preview
    assert Segment.objects.get(pk=12).merged_into_id is None

    done = lead.post(address, {"into": "13"}, follow=True)
    assert "Segment 12 is merged into 13 and counts as 13." in done.content.decode()
    assert Segment.objects.get(pk=12).merged_into_id == 13
    back = text(lead, page_of(12, "undo_merge"))
    assert "Everything will count as 12 · Credit cards again." in back
    assert "Labels: 1." in back
    lead.post(page_of(12, "undo_merge"))
    assert Segment.objects.get(pk=12).merged_into_id is None
    row: Any = Creative.objects.with_effective_segment().get(pk=creative.pk)
    assert row.effective_segment == 12
    entries = AuditEntry.objects.filter(action__startswith="segment").order_by("pk")
    assert [(one.action, one.actor_name) for one in entries] == [
        ("segment_merged", "the-lead"), ("segment_merge_undone", "the-lead")
    ]  # fmt: skip


@pytest.mark.parametrize("into", ["12", "6", "99", "", "x"])
def test_a_merge_into_nothing_usable_says_so(lead: Client, into: str) -> None:
    response = lead.post(page_of(12, "merge_segment"), {"into": into}, follow=True)
    assert messages_of(response) == ["Choose another segment that is neither merged nor retired."]
    assert Segment.objects.get(pk=12).merged_into_id is None


def test_a_retired_segment_is_not_offered_and_keeps_its_labels(lead: Client) -> None:
    creative = labelled(15)
    lead.post(page_of(15, "retire_segment"), {"_form_submitted": "True"})
    assert "Retired on" in text(lead, page_of(15, "change"))
    offered = 'name="segment" value="15"'
    page = text(lead, reverse("admin:creatives_creative_change", args=[creative.pk]))
    assert offered not in page
    assert "15 · Music" in page
    response = lead.post(
        reverse("admin:creatives_label", args=[creative.pk]), {"segment": "15"}, follow=True
    )
    assert messages_of(response)[0] == "Segment 15 is retired."
    assert Label.objects.count() == 1
    assert '<option value="15"' not in text(lead, "/admin/creatives/creative/")
    assert '<option value="15"' in text(lead, "/admin/creatives/creative/?segment=15")
    lead.post(page_of(15, "restore_segment"), {"_form_submitted": "True"})
    page = text(lead, reverse("admin:creatives_creative_change", args=[creative.pk]))
    assert offered in page


def test_a_merged_number_in_forms_and_addresses_counts_as_its_target_with_a_note(
    lead: Client,
) -> None:
    creative = labelled(0)
    note = "Segment 6 is merged into 0 and counts as 0."
    answer = lead.post(
        reverse("admin:creatives_label", args=[creative.pk]), {"segment": "6"}, follow=True
    )
    assert note in messages_of(answer)
    assert list(Label.objects.values_list("segment", flat=True)) == [0, 0]
    for address in (
        "/admin/creatives/creative/?segment=6",
        f"/admin/creatives/creative/relabel/?creative={creative.pk}&set=6",
        "/admin/spend/advertisement/?segment=6",
        "/admin/spend/advertisement/charts/?segment=6",
    ):
        response = lead.get(address)
        assert response.status_code == 200
        assert note in messages_of(response), address
    listed = lead.get("/admin/creatives/creative/?segment=6").context["cl"].result_list
    assert [one.pk for one in listed] == [creative.pk]


def test_segments_are_grouped_with_their_criteria_wherever_one_is_chosen(lead: Client) -> None:
    creative = labelled(0)
    for address in (
        "/admin/creatives/creative/",
        f"/admin/creatives/creative/relabel/?creative={creative.pk}",
        page_of(12, "merge_segment"),
    ):
        shown = text(lead, address)
        assert re.findall(r'<optgroup label="([^"]+)"', shown) == [
            "Retail", "Banks", "Ecosystems and media"
        ]  # fmt: skip
        assert 'title="Music services, radio and concerts."' in shown
    page = text(lead, reverse("admin:creatives_creative_change", args=[creative.pk]))
    assert re.findall(r"<legend>([^<]+)</legend>", page) == [
        "Retail", "Banks", "Ecosystems and media"
    ]  # fmt: skip


def test_groups_are_added_and_renamed_by_leads(lead: Client) -> None:
    groups = "/admin/creatives/segmentgroup/"
    values = {"key": "insurance", "name": "Страхование", "name_en": "Insurance", "position": "3"}
    assert lead.post(f"{groups}add/", values).status_code == 302
    lead.post(f"{groups}insurance/change/", {**values, "key": "x", "name": "Страховщики"})
    assert SegmentGroup.objects.get(pk="insurance").name == "Страховщики"
    assert AuditEntry.objects.filter(action="segment_group_saved").count() == 2
    assert client_of(Role.ANALYST).get(f"{groups}add/").status_code == 403


def workbook(*rows: tuple[Any, ...]) -> SimpleUploadedFile:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in (("Segment_num", "Segment", "Comment"), *rows):
        book.active.append(row)  # type: ignore[union-attr]
    book.save(file)
    return SimpleUploadedFile("dictionary.xlsx", file.getvalue())


def confirmed(response: Any) -> dict[str, str]:
    return {"confirmed": response.context["confirmed"], "group": "banks"}


def test_a_dictionary_is_imported_after_a_preview(lead: Client) -> None:
    rows = (
        (0, "Промо/Нет/Нет", None), (6, "промо/Нет/Нет", None), (12, "Карты рассрочки", None),
        (19, "Страхование", "x"), (20, "СТРАХОВАНИЕ", None), (21, "", None), ("x", "y", None),
    )  # fmt: skip
    preview = lead.post(IMPORT, {"file": workbook(*rows)})
    assert preview.context["sentences"] == [
        "New segment 19: Страхование.",
        "Segment 20 repeats segment 19: it is merged into it.",
        "Segment 12 gets another name: Кредитные карты → Карты рассрочки.",
    ]
    assert len(preview.context["problems"]) == 2
    assert Segment.objects.count() == 19
    lead.post(IMPORT, confirmed(preview))
    new, repeated = Segment.objects.get(pk=19), Segment.objects.get(pk=20)
    assert (new.name, new.group_id, new.merged_into_id) == ("Страхование", "banks", None)
    assert (repeated.merged_into_id, repeated.merge_target_id) == (19, 19)
    assert Segment.objects.get(pk=12).name == "Карты рассрочки"
    assert Segment.objects.get(pk=6).merged_into_id == 0
    actions = AuditEntry.objects.filter(action__startswith="segment").order_by("pk")
    assert [one.action for one in actions] == [
        "segment_added", "segment_changed", "segment_added", "segment_merged"
    ]  # fmt: skip
    again = lead.post(IMPORT, {"file": workbook(*rows[:5])})
    assert not again.context["plan"]
    assert again.context["plan"].same == 5


def test_a_preview_that_is_out_of_date_imports_nothing(lead: Client) -> None:
    preview = lead.post(IMPORT, {"file": workbook((19, "Страхование"))})
    changes.save(Segment(number=19, name="Такси", group_id="ecosystems"))
    for fields in (confirmed(preview), {"confirmed": "forged"}):
        response = lead.post(IMPORT, fields, follow=True)
        assert messages_of(response) == [
            "The segments have changed since the preview: choose the file again."
        ]
    assert Segment.objects.get(pk=19).name == "Такси"


def test_names_can_be_swapped_and_not_doubled_by_an_import(lead: Client) -> None:
    swapped = ((15, "Клипы"), (17, "Музыка"))
    lead.post(IMPORT, confirmed(lead.post(IMPORT, {"file": workbook(*swapped)})))
    assert Segment.objects.get(pk=15).name == "Клипы"
    preview = lead.post(IMPORT, {"file": workbook((15, "Музыка"))})
    response = lead.post(IMPORT, confirmed(preview), follow=True)
    assert messages_of(response) == ["The segments 15 and 17 would have the same name: “Музыка”."]
    assert Segment.objects.get(pk=15).name == "Клипы"


@pytest.mark.parametrize("content", [b"", b"no table", b"a,b\n1,2\n"])
def test_a_file_that_is_no_dictionary_says_so(lead: Client, content: bytes) -> None:
    response = lead.post(IMPORT, {"file": SimpleUploadedFile("x.csv", content)})
    assert len(messages_of(response)) == 1
    assert "confirmed" not in response.context


@pytest.mark.reference
def test_the_analysts_dictionary_changes_nothing_in_a_new_installation(
    lead: Client, reference_data: Path
) -> None:
    file = SimpleUploadedFile("d.xlsx", (reference_data / "segment_dict.xlsx").read_bytes())
    plan = lead.post(IMPORT, {"file": file}).context["plan"]
    assert not plan
    assert plan.same == 19
