"""All texts that users read exist in Russian and in English."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import polib
import pytest
import unfold
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils.text import capfirst
from django.utils.translation.template import templatize
from knox.models import AuthToken

from creativefilter.creatives.models import (
    Creative,
    Label,
    MediaVersion,
    ModelVersion,
    Prediction,
    Segment,
    Transcript,
)
from creativefilter.jobs.models import Job
from creativefilter.site import theme_strings

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "locale" / "ru" / "LC_MESSAGES"

# (context, singular, plural): what identifies a message.
Message = tuple[str, str, str]

# Leading arguments of each function: c context, s singular, p plural.
CALLS = {"_": "s", "gettext": "s", "ngettext": "sp", "pgettext": "cs", "npgettext": "csp"}
LITERAL = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
TEMPLATE_CALL = re.compile(rf"\b(n?p?gettext|_)\(((?:\s*{LITERAL}\s*,?)+)")
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[a-z%](?![a-zа-яё])|\{\w*\}")
CYRILLIC = re.compile(r"[А-Яа-яЁё]")


@pytest.fixture(scope="module")
def po() -> polib.POFile:
    return polib.pofile(str(CATALOGUE / "django.po"))


def key(entry: polib.POEntry | polib.MOEntry) -> Message:
    return entry.msgctxt or "", entry.msgid, entry.msgid_plural or ""


def forms(entry: polib.POEntry | polib.MOEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def message(function: str, texts: list[str]) -> Message:
    shape = CALLS[function]
    named = dict(zip(shape, texts, strict=False))
    return named.get("c", ""), named["s"], named.get("p", "")


def marked_in_python(source: str) -> Iterator[Message]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
        function = name.removesuffix("_lazy").removesuffix("_noop")
        first = node.args[: len(CALLS.get(function, ""))]
        texts = [argument.value for argument in first if isinstance(argument, ast.Constant)]
        if texts and len(texts) == len(first):
            yield message(function, texts)


def marked_in_template(source: str) -> Iterator[Message]:
    for function, arguments in TEMPLATE_CALL.findall(templatize(source)):
        texts = [ast.literal_eval(text) for text in re.findall(LITERAL, arguments)]
        yield message(function, texts)


def marked_in(*folders: Path) -> set[Message]:
    """Return every message that is marked for translation in Python files and templates."""
    found: set[Message] = set()
    for folder in folders:
        for path in folder.rglob("*.py"):
            found |= set(marked_in_python(path.read_text("utf-8")))
        for path in folder.rglob("*.html"):
            found |= set(marked_in_template(path.read_text("utf-8")))
    return found


# The catalogue


def test_every_message_is_translated(po: polib.POFile) -> None:
    assert [e.msgid for e in po if not all(forms(e))] == []
    assert [e.msgid for e in po if e.fuzzy or e.obsolete] == []
    assert {len(e.msgstr_plural) for e in po if e.msgid_plural} == {3}


def test_translations_have_the_placeholders_of_their_messages(po: polib.POFile) -> None:
    def placeholders(text: str) -> list[str]:
        return sorted(PLACEHOLDER.findall(text))

    for entry in po:
        expected = placeholders(entry.msgid_plural or entry.msgid)
        for form in forms(entry):
            assert placeholders(form) == expected, entry.msgid


def test_the_compiled_catalogue_matches_its_source(po: polib.POFile) -> None:
    """The .mo file is committed, since a fresh machine has no msgfmt."""
    compiled = polib.mofile(str(CATALOGUE / "django.mo"))
    assert {key(e): forms(e) for e in compiled} == {key(e): forms(e) for e in po}


def test_compiled_catalogue_chooses_the_right_plural() -> None:
    with (CATALOGUE / "django.mo").open("rb") as file:
        translations = gettext.GNUTranslations(file)
    translated = {
        count: translations.ngettext("%d file was added.", "%d files were added.", count) % count
        for count in (1, 2, 5, 11, 21, 22, 112)
    }
    assert translated == {
        1: "Добавлен 1 файл.",
        2: "Добавлено 2 файла.",
        5: "Добавлено 5 файлов.",
        11: "Добавлено 11 файлов.",
        21: "Добавлен 21 файл.",
        22: "Добавлено 22 файла.",
        112: "Добавлено 112 файлов.",
    }


def test_the_catalogue_contains_exactly_the_marked_messages(po: polib.POFile) -> None:
    """After a change of texts, run ``make messages`` and translate the new ones."""
    marked = marked_in(*(ROOT / name for name in ("classifier", "creativefilter", "tasks")))
    marked |= marked_in(ROOT / "templates")
    listed = {key(entry) for entry in po}
    assert marked - listed == set(), "marked, but not in the catalogue"
    assert listed - marked == set(), "in the catalogue, but no longer marked"


def theme_messages() -> set[Message]:
    return marked_in(Path(unfold.__file__).parent)


def test_listed_texts_of_the_theme_still_exist() -> None:
    assert set(theme_strings.UNFOLD) - {singular for _, singular, _ in theme_messages()} == set()


# The pages


class Visible(HTMLParser):
    """Parser that collects the visible texts of a page, and attributes that people read."""

    READ = ("title", "placeholder", "aria-label", "alt", "data-confirm", "data-sending")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self.hidden = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        icon = "material-symbols" in (attributes.get("class") or "")
        self.hidden = tag in ("script", "style") or icon
        self.texts |= {attributes[name] or "" for name in self.READ if name in attributes}

    def handle_endtag(self, tag: str) -> None:
        self.hidden = False

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.texts.add(" ".join(data.split()))


@pytest.fixture
def pages(db: None) -> dict[str, str]:
    """Addresses of the analysts' pages, with a creative for which every part is shown."""
    admin = User.objects.create_superuser("admin", password="secret-enough")
    AuthToken.objects.create(user=admin)
    job = Job.objects.create(
        kind="analyse", stage="classifying", state=Job.State.DONE, progress=100, owner=admin
    )
    creative = Creative.objects.create(
        advertisement_id="4297908",
        name="4297908.avi",
        state=Creative.State.DONE,
        job=job,
        is_demo=True,
        created_by=admin,
    )
    probe = {
        "video_codec": "mpeg4", "width": 640, "height": 360,
        "audio_codec": "mp3", "sample_rate": 44100,
    }  # fmt: skip
    media = MediaVersion.objects.create(
        creative=creative,
        file="creatives/00/none.avi",
        original_name="4297908.avi",
        sha256="0" * 64,
        size=2048,
        container="avi",
        seconds=12.5,
        partial=True,
        share_read=0.8,
        probe=probe,
    )
    creative.current_media = media
    creative.save()
    transcript = Transcript.objects.create(
        media=media,
        engine="faster-whisper",
        model="base",
        language="ru",
        text="abc",
        speech="abc",
        spoken=True,
        utterances=[{"start": 0.0, "end": 1.0, "text": "abc"}],
        seconds_taken=1.5,
    )
    Prediction.objects.create(
        creative=creative,
        media=media,
        transcript=transcript,
        model_version=ModelVersion.objects.get(is_active=True),
        segment_id=10,
        probability=0.75,
        probabilities={"10": 0.75, "12": 0.2, "8": 0.05},
        channels=[
            {"name": "speech", "evidence": [{"text": "abc", "start": 0, "end": 3, "weight": 1.0}]}
        ],
    )
    Label.objects.create(creative=creative, segment=None, author=admin)
    Label.objects.create(creative=creative, segment=Segment.objects.get(pk=12), author=admin)
    return {
        "index": "/admin/",
        "list": "/admin/creatives/creative/",
        "found nothing": "/admin/creatives/creative/?q=nothing-of-the-kind",
        "add": "/admin/creatives/creative/add/",
        "creative": f"/admin/creatives/creative/{creative.pk}/change/",
        "delete": f"/admin/creatives/creative/{creative.pk}/delete/",
        "segments": "/admin/creatives/segment/",
        "model versions": "/admin/creatives/modelversion/",
        "jobs": "/admin/jobs/job/",
        "job": f"/admin/jobs/job/{job.pk}/change/",
        "users": "/admin/auth/user/",
        "user": f"/admin/auth/user/{admin.pk}/change/",
        "tokens": "/admin/accounts/tokendetails/",
    }


def visible(client: Client, address: str) -> set[str]:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return Visible(answer.content.decode()).texts


@pytest.fixture
def reader(client: Client, pages: dict[str, str]) -> Client:
    client.force_login(User.objects.get(username="admin"))
    return client


@pytest.mark.django_db
def test_russian_pages_contain_no_english_message(
    reader: Client, pages: dict[str, str], po: polib.POFile
) -> None:
    english = {entry.msgid for entry in po} | {singular for _, singular, _ in theme_messages()}
    english -= {entry.msgid for entry in po if entry.msgid == entry.msgstr}
    # Headings capitalise the names of fields.
    english |= {capfirst(text) for text in english}
    for name, address in pages.items():
        # The language menu shows each language in itself.
        left = visible(reader, address) & english - {"English"}
        assert left == set(), name


@pytest.mark.django_db
def test_english_pages_contain_no_cyrillic_text(reader: Client, pages: dict[str, str]) -> None:
    reader.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    for name, address in pages.items():
        left = {text for text in visible(reader, address) if CYRILLIC.search(text)}
        assert left - {"Русский"} == set(), name


EXPECTED_TEXTS = {
    "list": [
        ("ID, имя файла, слова из речи или с экрана", "ID, file name, words spoken or shown"),
        ("Удалить демонстрационные креативы", "Remove demonstration creatives"),
        ("Применить фильтры", "Apply Filters"),
        ("12 · Кредитные карты", "12 · Credit cards"),
        ("1 строка", "1 row"),
    ],
    "add": [
        ("Выберите файлы или перетащите их сюда", "Choose files or drop them here"),
        ("Отправка", "Sending"),
    ],
    "creative": [
        ("Поставить сегмент вручную", "Set the segment by hand"),
        ("Решающие слова", "Words that decided"),
        ("удалось прочитать 80%", "80% of it could be read"),
        ("mp3, 44100 Гц", "mp3, 44100 Hz"),
        ("метка снята", "label withdrawn"),
    ],
    "tokens": [("Начало токена", "Beginning of the token")],
    "jobs": [("классификация", "classifying")],
}


@pytest.mark.django_db
@pytest.mark.parametrize("page", EXPECTED_TEXTS)
def test_pages_show_the_expected_texts_in_both_languages(
    reader: Client, pages: dict[str, str], page: str
) -> None:
    address = pages[page]
    russian = visible(reader, address)
    reader.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    english = visible(reader, address)
    assert [ru for ru, _ in EXPECTED_TEXTS[page] if ru not in russian] == []
    assert [en for _, en in EXPECTED_TEXTS[page] if en not in english] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accept_language", "title"),
    [
        ("", "Все креативы"),
        ("de", "Все креативы"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "Все креативы"),
        ("en-GB,en;q=0.9", "All creatives"),
    ],
)
def test_browser_chooses_the_language(
    reader: Client, pages: dict[str, str], accept_language: str, title: str
) -> None:
    answer = reader.get(pages["creative"], headers={"accept-language": accept_language})
    assert title in answer.content.decode()


@pytest.mark.django_db
def test_the_language_switch_overrides_the_browsers_language(
    reader: Client, pages: dict[str, str]
) -> None:
    reader.post("/i18n/setlang/", {"language": "en", "next": pages["list"]})
    answer = reader.get(pages["creative"], headers={"accept-language": "ru"})
    assert "All creatives" in answer.content.decode()
