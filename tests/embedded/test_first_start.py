"""The first ``make run`` on a machine, while its demonstration is being classified."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from tests.stack import DEMO, DEMONSTRATED, ROOT, Client, Data, Stack, processes, spoken, wait_until

pytestmark = pytest.mark.stack


@pytest.fixture
def client(stack: Stack) -> Client:
    assert stack.credentials
    return Client(stack, stack.credentials[1])


def test_administrator_and_token_are_printed_once_and_work(stack: Stack, client: Client) -> None:
    assert stack.credentials
    password, token = stack.credentials
    assert stack.output_text.count(password) == stack.output_text.count(token) == 1
    assert stack.output_text.count(f"{stack.address}/") == 1

    assert client.request("GET", "/api/v1/segments").status_code == 200
    assert requests.get(f"{stack.address}/api/v1/segments", timeout=30).status_code == 401

    with requests.Session() as browser:
        form = browser.get(f"{stack.address}/", timeout=30)
        csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
        assert csrf
        page = browser.post(
            form.url,
            {"username": "admin", "password": password, "csrfmiddlewaretoken": csrf[1]},
            headers={"Referer": form.url},
            timeout=30,
        )
        assert page.status_code == 200
        assert page.url == f"{stack.address}/admin/creatives/creative/"


def rows_of_the_database(data: Data) -> Iterator[bytes]:
    """Yield every row as text if the database is not a file of the data folder."""
    if not data.database_url.startswith("postgres"):
        return
    with psycopg.connect(data.database_url) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        for (table,) in tables:
            query = f'SELECT t::text FROM "{table}" t'  # noqa: S608  (our own table's name)
            for (row,) in connection.execute(query):
                yield row.encode()


def test_secrets_are_stored_nowhere_in_clear_text(stack: Stack, client: Client) -> None:
    assert client.request("GET", "/api/v1/segments").status_code == 200
    assert stack.credentials
    texts = [content for _path, content in stack.data.contents()]
    texts += rows_of_the_database(stack.data)
    texts += [process.command.encode() for process in processes()]
    assert any(b"admin" in text for text in texts)
    for secret in stack.credentials:
        assert not [text[:80] for text in texts if secret.encode() in text]


def test_a_posted_creative_gets_its_segment(stack: Stack, client: Client, tmp_path: Path) -> None:
    file = spoken(tmp_path, "90000014.wav", "81000014.wav")
    answer = client.post_file("/api/v1/predict", file)
    assert answer.status_code == 202
    assert answer.json()["state"] in ("queued", "running")
    job = client.ended(answer.headers["Location"].removeprefix(stack.address))
    assert (job["state"], job["progress"], job["error"]) == ("done", 100, None)
    result = job["result"]
    assert result["advertisement_id"] == "81000014"
    assert (result["segment_num"], result["segment"]) == (7, "Имидж")
    assert result["candidates"][0]["segment_num"] == 7
    assert len(result["candidates"]) == 3
    assert "банк" in result["transcript"].casefold()

    again = client.post_file("/api/v1/predict", file)
    assert again.status_code == 200
    assert again.json()["id"] != job["id"]
    assert again.json()["result"] == result


def test_predict_follows_the_reference_contract(
    stack: Stack, client: Client, tmp_path: Path
) -> None:
    file = spoken(tmp_path, "90000032.wav", "81000032.wav")
    answer = client.post_file("/predict", file)
    assert (answer.status_code, answer.json()) == (
        200,
        {"result": "Колонки+Голосовой помощник"},
    )

    silent = client.post_file("/predict", DEMO / "90000037.wav", "silent.wav").json()
    assert (silent["result"], silent["reason"]) == (None, "no_speech")
    assert silent["message"]

    text = tmp_path / "text.mp4"
    text.write_text("This is not a film.")
    refused = client.post_file("/predict", text)
    assert refused.status_code == 422
    assert (refused.json()["result"], refused.json()["reason"]) == (None, "not_media")

    with file.open("rb") as body:
        stranger = requests.post(f"{stack.address}/predict", files={"file": body}, timeout=30)
    assert stranger.status_code == 401


def test_a_line_for_each_demonstration_creative_and_a_summary(stack: Stack) -> None:
    with (ROOT / "demo" / "scripts.csv").open(encoding="utf-8", newline="") as file:
        segments_of_scripts = {
            row["file"]: row["segment"]
            for row in csv.DictReader(file)
            if row["file"] in DEMONSTRATED
        }
    spoken_count = len(DEMONSTRATED) - 2
    summary = re.compile(rf"^\D*{len(DEMONSTRATED)}\D.*\b{spoken_count}\b.*\b2\b.*$", re.MULTILINE)

    wait_until(
        lambda: (
            all(f"\n{name} " in stack.output_text for name in segments_of_scripts)
            and summary.search(stack.output_text)
        ),
        240,
        "the demonstration is finished",
    )
    decided = dict(re.findall(r"^(\d+\.\w+) +\d+%  (\d+) · ", stack.output_text, re.MULTILINE))
    for name, segment in segments_of_scripts.items():
        assert len(re.findall(rf"^{re.escape(name)} ", stack.output_text, re.MULTILINE)) == 1
        # 90000038.mp4 has no speech, but the words on its cards may give a segment for review.
        assert bool(segment) == (name in decided) or name == "90000038.mp4"
    right = sum(
        decided[name] == segment for name, segment in segments_of_scripts.items() if segment
    )
    last = summary.search(stack.output_text)
    assert last
    # The summary counts the lines above it. Most creatives are right, and none failed.
    numbers = [int(number) for number in re.findall(r"\d+", last[0])]
    assert sorted(numbers) == sorted([len(DEMONSTRATED), right, spoken_count, 2, 2, 0])
    assert right > spoken_count / 2
    assert stack.process.poll() is None
