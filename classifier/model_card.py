"""The card of the starter model, written beside its weights: its figures are always its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CARD = """# Starter text model

Says for which of the {segments} segments a Russian advertising transcript speaks. Linear SVC over
hashed character 2-5-grams and word 1-2-grams of the text folded by sound (2^17 buckets each,
TF-IDF), int8 weights, calibrated by one slope and one shift. It holds numbers only: no
vocabulary, no text of the data.

## Data

{rows} transcripts, {families} families of near duplicates: {description}.
Source: the public repository `{repository}`, {licence}.

Segment 6 is read as 0. Transcripts are cleaned of Whisper's inventions as in use
(`classifier/text.py`); the {silent} in which nobody speaks then teach nothing. sha256 of segments,
splits and texts: `{sha256}`.

## Figures

| what | macro-F1 | without silent creatives |
|---|---|---|
| trained on `train`, measured on `valid` | {macro_f1_valid:.3f} | {macro_f1_valid_spoken:.3f} |
| grouped: five folds over all rows, no family on both sides | {macro_f1_grouped:.3f} | \
{macro_f1_grouped_spoken:.3f} |

The grouped figure is the one to trust: {near_duplicates:.0%} of the rows have a near duplicate, and
`train` and `valid` share families. In use a silent creative is left unclassified, hence the last
column. Grouped accuracy there {accuracy_grouped:.3f}, expected calibration error
{ece_grouped:.3f} (each fold calibrated on the others). The committed weights learn from `train`
and `valid` together; only the figures above are held out.

Chosen by grouped cross-validation on the `train` rows alone, three seeds, macro-F1 on creatives
with speech: the penalty {penalty} (.1 to 2 tried), the folding by sound (.789 against .783
without; both views together .789), rows without speech left out (.781 against .776). Digits read
as one sign, other weights of words against characters and a lighter hand on large families gave
nothing.

## Weaknesses

- Most often taken for each other: image and loyalty or promo of retail (1 and 2, 0 and 1), image
  with and without delivery (1 and 5), delivery with and without a price (3 and 5), debit cards
  and a bank's image or range (10 and 7, 9).
- Some labels of the data are wrong, and near duplicates do not always carry one label.
- The data are balanced on purpose: about as many rows for each segment. Where one segment makes
  up half of the creatives, its probabilities are too low.
- It learned what whisper-small hears. Another recogniser misspells brands in other ways.
- Music with words and very short spots carry little that it can use.

## Making it again

    python manage.py train_starter --transcripts transcripts.csv

The same table with {libraries} gives the same bytes.
"""


def render(facts: Mapping[str, Any], segments: int) -> str:
    """The card as Markdown, from the facts of the model's manifest."""
    training = facts["training"]
    libraries = ", ".join(f"{name} {version}" for name, version in facts["libraries"].items())
    values = {**training, **training["source"], **facts["metrics"], **facts["recipe"]}
    return _CARD.format(**{**values, "libraries": libraries, "segments": segments})
