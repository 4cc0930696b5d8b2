"""Cleaning of transcripts: what is speech, and what Whisper hallucinated."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

from classifier.speech.cleaning import assess_speech, assess_transcript

SPOT = "Свежий хлеб каждое утро в булочной на углу."

# Creatives of the junk table that contain real words beside the junk.
REAL_WORDS = {
    *("1117329", "4249779", "1455959", "1342038", "4554080", "4164370", "4501210", "1343300"),
    *("4546119", "4564406", "4493899", "4497487", "4499391", "2407817", "1439857", "1388771"),
    *("4472797", "1435919"),
}


@dataclass(frozen=True)
class ScoredText:
    text: str
    avg_logprob: float = -0.3
    no_speech_prob: float = 0.1


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    "junk",
    [
        "Субтитры в",
        "Субтитры.",
        "Субтитры субтитров А.Петрова",
        "Субтитры субтитры субтитры субтитры субтитры суб",
        "Субтитры сделал DimaTorzok",
        "Редактор субтитров И.Иванова Корректор П.Сидорова",
        "Редактор субтитров И.Иванова\nКорректор П.Сидорова",
        "Продолжение следует...",
        "Спасибо за просмотр!",
        "СПОКОЙНАЯ МУЗЫКА",
        "ТРЕВОЖНАЯ МУЗЫКА СМЕХ",
        "[музыка]",
        "*смех*",
        "♪♪♪",
        "МУЗЫКАЛЬНАЯ ЗАСТАВКА",
        "Аааааааааааааааааааааааа",
        "Ля-ля-ля-ля-ля-ля-ля-ля-ля-ля",
        "бабабабабабабабабабабаб",
        "Тик, тик, тик, тик, тик, тик, тик",
        "ПОЮТ ПОЮТ ПОЮТ ПОЮТ ПОЮТ ПО",
        "",
        "   \n",
    ],
)
def test_hallucinations_are_not_speech(junk: str) -> None:
    assert not assess_speech(junk).spoken


@pytest.mark.parametrize(
    ("text", "expected", "removed"),
    [
        (f"ВЕСЁЛАЯ МУЗЫКА {SPOT}", SPOT, ("ВЕСЁЛАЯ МУЗЫКА",)),
        (f"{SPOT} Субтитры в", SPOT, ("Субтитры в",)),
        (f"{SPOT} ВЗДЫХАЕТ Заходите!", f"{SPOT} Заходите!", ("ВЗДЫХАЕТ",)),
        (f"{SPOT} Оооооооооо", SPOT, ("Оооооооооо",)),
        ("Мам, смотри! Вауууууууу! Это торт.", "Мам, смотри! Вау ! Это торт.", ("уууууууу",)),
        (f"{SPOT} Субтитры сделал DimaTorzok", SPOT, ("Субтитры сделал DimaTorzok",)),
    ],
)
def test_real_words_beside_junk_are_kept(
    text: str, expected: str, removed: tuple[str, ...]
) -> None:
    speech = assess_speech(text)
    assert speech.spoken
    assert speech.text == expected
    assert tuple(piece.lower()[-6:] for piece in speech.removed) == tuple(
        piece.lower()[-6:] for piece in removed
    )


@pytest.mark.parametrize(
    "text",
    [
        "Вся музыка мира в одном приложении, музыка без рекламы.",
        "Слушайте на ЯНДЕКС МУЗЫКА каждый день",
        "VK МУЗЫКА дарит подписку",
        "ВТБ и МТС представляют вместе",
        "Смотрите сериалы с субтитрами и без",
        "Звоните 8 800 100 10 10, повторяю, 100 10 10",
        "Цена 1000000 рублей за участок",
        "Скидка, скидка, скидка на всё",
    ],
)
def test_real_speech_is_not_changed(text: str) -> None:
    speech = assess_speech(text)
    assert (speech.text, speech.removed) == (text, ())
    assert speech.spoken


def test_repeated_phrase_is_kept_once() -> None:
    speech = assess_speech(f"{SPOT} {'Приходите к нам! ' * 9}Ждём.")
    assert speech.text == f"{SPOT} Приходите к нам! Ждём."
    assert len(speech.removed) == 1


def test_incomplete_last_repetition_is_removed() -> None:
    assert assess_speech(f"{SPOT} " + "мы рядом " * 6 + "мы ря").text == f"{SPOT} мы рядом"


def test_loop_with_small_changes_is_not_speech() -> None:
    looping = " ".join(f"и снова день, и снова ночь {n % 3}" for n in range(40))
    assert not assess_speech(looping).spoken


def test_long_real_speech_is_not_a_loop() -> None:
    # In UTF-8 this compresses by more than Whisper's limit of 2.4, in a one-byte encoding it does
    # not.
    text = (
        "Настоящее утро начинается с горячего хлеба, настоящий обед начинается с наваристого супа, "
        "настоящий вечер начинается с большого чайника, а настоящий праздник начинается с вас."
    )
    assert assess_speech(text).text == text


@pytest.mark.parametrize("short", ["Виноград, 79,90", "Огурцы 15%", "Пятёрочка.", "Сбер!"])
def test_few_words_are_enough_with_a_price_or_a_brand(short: str) -> None:
    assert assess_speech(short).spoken


@pytest.mark.parametrize("short", ["Вперёд!", "Заряжаем утро!", "на драме."])
def test_fewer_than_three_words_are_not_usable(short: str) -> None:
    speech = assess_speech(short)
    assert not speech.spoken
    assert speech.text == short


def test_utterances_that_whisper_took_for_silence_are_removed() -> None:
    speech = assess_transcript(
        [
            ScoredText(SPOT),
            ScoredText("Это придумано здесь.", avg_logprob=-1.4, no_speech_prob=0.9),
            ScoredText("Тихо сказано.", avg_logprob=-0.4, no_speech_prob=0.9),
            ScoredText("Невнятно сказано.", avg_logprob=-1.4, no_speech_prob=0.1),
        ]
    )
    assert speech.text == f"{SPOT} Тихо сказано. Невнятно сказано."
    assert speech.removed == ("Это придумано здесь.",)
    assert not assess_transcript([ScoredText(SPOT, -1.4, 0.9)]).spoken
    assert not assess_transcript([]).spoken


def test_loop_over_several_utterances_is_removed() -> None:
    assert (
        assess_transcript([ScoredText(SPOT)] + [ScoredText("Ждём вас.")] * 8).text
        == f"{SPOT} Ждём вас."
    )


@pytest.mark.parametrize(
    "hostile",
    [
        "А" * 100_000,
        "а-" * 50_000,
        "субтитры " * 10_000,
        "ПОЮТ " * 10_000,
        "[" * 50_000,
        "1 " * 9000,
    ],
)
@pytest.mark.timeout(10)
def test_very_long_texts_are_cleaned_in_time(hostile: str) -> None:
    assert not assess_speech(hostile).spoken


@pytest.mark.reference
def test_reference_junk_is_found_and_its_real_words_are_kept(reference_data: Path) -> None:
    table = rows(reference_data / "transcripts_no_speech_dev.csv")
    with_speech = {row["Advertisement ID"] for row in table if assess_speech(row["text"]).spoken}
    assert len(table) - len(with_speech) >= 80
    assert with_speech == REAL_WORDS


@pytest.mark.reference
def test_reference_speech_is_rarely_lost(reference_data: Path) -> None:
    texts = [row["text"] for row in rows(reference_data / "transcripts_dev.csv")]
    speech = [assess_speech(text) for text in texts]
    assert sum(not one.spoken for one in speech) <= 0.03 * len(texts)
    # Spots about music in lower case must not be changed.
    music = [n for n, text in enumerate(texts) if "музык" in text and "МУЗЫКА" not in text]
    assert len(music) > 50
    assert all(
        text.split() == one.text.split()
        for text, one in ((texts[n], speech[n]) for n in music)
        if not one.removed
    )


@pytest.mark.reference
def test_cleaning_is_idempotent(reference_data: Path) -> None:
    for name in ("transcripts_dev.csv", "transcripts_no_speech_dev.csv"):
        for row in rows(reference_data / name):
            cleaned = assess_speech(row["text"])
            assert assess_speech(cleaned.text).text == cleaned.text
