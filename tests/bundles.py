"""A small bundle trained on texts of a few words, and creatives for it to classify."""

from __future__ import annotations

import random
from functools import cache

import numpy as np

from classifier.channels import CHANNELS
from classifier.decision.bundle_parts import HeldOut, Parts
from classifier.decision.fusion import Fusion
from classifier.decision.spot_shape import SpotShape
from classifier.decision.types import SpotFeatures
from classifier.segments import NUMBERS
from classifier.text.families import fingerprints
from classifier.text.linear_model import Calibration, TextModel
from classifier.text.training import TrainingRow, fit, prepare

WORDS = {
    0: "скидка яблоки сыр кефир цена магазин рублей молоко акция гречка",
    12: "кредитная карта лимит проценты грейс льготный период покупки банк снятие",
    16: "колонка голосовой помощник включи свет умный дом будильник станция алиса",
}
COMMON = "сегодня для вас каждый день вместе очень просто только теперь здесь снова ваш новый"
CARD_SPOT = "Кредитная карта: сто двадцать дней без процентов, бесплатное обслуживание навсегда."
SPEAKER_SPOT = "Алиса, включи свет! Умная колонка Яндекс Станция с голосовым помощником."
CARD_SCREEN = "Кредитная карта\n120 дней без процентов\n*Реклама. ПАО «Банк»"
SHOP_SCREEN = "Сыр Гауда\n549 ₽ вместо 899 ₽\nДоставка 0 ₽"
DOUBTFUL = "Только сегодня"
SPEECH, SCREEN, PICTURES = (1 << place for place in range(len(CHANNELS)))
SHAPE = SpotShape(
    seconds=20.0, speech_share=0.6, words_per_second=2.3, loudness=-18.0, loudness_range=4.0,
    syllable_share=0.4, cuts_per_second=0.3, brightness=0.5, colourfulness=40.0, has_video=True,
    aspect=16 / 9,
)  # fmt: skip


def rows(count: int = 60, seed: int = 1) -> list[TrainingRow]:
    """Return texts of three segments in turn, made of the words of each."""
    dice = random.Random(seed)
    segments = sorted(WORDS)
    return [
        TrainingRow(segment, " ".join(dice.choices(WORDS[segment].split(), k=8)), "train")
        for segment in (segments[place % len(segments)] for place in range(count))
    ]


@cache
def small_parts() -> Parts:
    """Return parts with a text model of three segments, with held-out predictions of 60 texts."""
    table = prepare(rows())
    text = TextModel(fit(table, np.ones(60, np.bool_), Calibration(6.0, 2.0)))
    held_out_rows = rows(seed=2)
    probabilities = np.zeros((len(held_out_rows), len(NUMBERS)))
    probabilities[:, np.isin(NUMBERS, sorted(WORDS))] = text.probabilities(
        [one.text for one in held_out_rows]
    )
    columns = np.searchsorted(NUMBERS, [one.segment for one in held_out_rows])
    return Parts(
        numbers=NUMBERS,
        text=text,
        fusion=Fusion(),
        held_out=HeldOut(probabilities, columns, np.full(len(held_out_rows), SPEECH, np.uint8)),
        shares=np.isin(NUMBERS, sorted(WORDS)) / len(WORDS),
        training_fingerprints=fingerprints([one.text for one in rows()]),
    )


def held_out(*groups: tuple[int, int, float, int, int]) -> HeldOut:
    """Return held-out predictions for groups of creatives.

    A group is (mask, number of creatives, probability above .5, number of correct predictions, true
    column). The true column and the one after it share the probability.
    """
    probabilities = np.zeros((sum(count for _, count, *_ in groups), len(NUMBERS)))
    columns: list[int] = []
    masks: list[int] = []
    for mask, count, confidence, hits, column in groups:
        for place in range(count):
            row = probabilities[len(columns)]
            row[[column, column + 1]] = (
                (confidence, 1 - confidence) if place < hits else (1 - confidence, confidence)
            )
            columns.append(column)
            masks.append(mask)
    return HeldOut(probabilities, np.array(columns), np.array(masks, np.uint8))


def sample_features() -> list[SpotFeatures]:
    """Return the features of creatives with every pair of 13 speeches and 3 screens.

    One speech and one screen are empty.
    """
    speech = [CARD_SPOT, SPEAKER_SPOT, DOUBTFUL, *(row.text for row in rows(9, seed=4)), ""]
    screen = ["", SHOP_SCREEN, CARD_SCREEN]
    return [SpotFeatures(speech=spoken, screen=shown) for spoken in speech for shown in screen]
