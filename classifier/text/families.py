"""Families of near-duplicate texts, which must never be on both sides of a split.

Two in five of the real transcripts have a near duplicate (a shorter cut, or the same spot
transcribed twice), so figures on a random split are too good.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SIMILARITY = 0.7
_CHUNK = 1024
_NO_LETTER = re.compile(r"[\W_]+")


def families(texts: Sequence[str], similarity: float = SIMILARITY) -> NDArray[np.int64]:
    """Return the family number of each text, (texts,).

    A family is a connected component of the pairs with a similarity of at least ``similarity``: the
    cosine of TF-IDF vectors over character 3-5-grams inside words. Numbers count from 0 in order of
    first appearance. Blank texts are one family. Memory grows with the number of similar pairs, not
    with the number of all pairs.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from sklearn.feature_extraction.text import TfidfVectorizer

    empty = np.array([not text.strip() for text in texts], np.bool_)
    if empty.all():
        return np.zeros(len(texts), np.int64)
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    vectors = vectorizer.fit_transform(texts)
    left, right = [], []
    for begin in range(0, len(texts), _CHUNK):
        likeness = (vectors[begin : begin + _CHUNK] @ vectors.T).tocoo()
        similar = likeness.data >= similarity
        left.append(likeness.row[similar] + begin)
        right.append(likeness.col[similar])
    blank = np.flatnonzero(empty)
    rows = np.concatenate([*left, blank[:-1]])
    columns = np.concatenate([*right, blank[1:]])
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(len(texts),) * 2)
    labels = connected_components(graph, directed=False)[1]
    return _renumber(np.asarray(labels))


def merge_families(first: Sequence[int], second: Sequence[int | None]) -> NDArray[np.int64]:
    """Return the families that unite rows of the same family in either numbering, (rows,).

    Numbers count from 0 in order of first appearance.

    Args:
        first: The family number of each row.
        second: The family number of each row in the other numbering; None for a row without
            relatives.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(first)
    rows = [row for row, family in enumerate(second) if family is not None]
    places = {family: number for number, family in enumerate(dict.fromkeys(second))}
    columns = [places[second[row]] for row in rows]
    # The nodes of the graph are the rows, then the families of both numberings.
    group_nodes = np.concatenate(
        [count + np.unique(first, return_inverse=True)[1], 2 * count + np.array(columns, np.int64)]
    )
    nodes = np.concatenate([np.arange(count), np.array(rows, np.int64)])
    size = 3 * count + 1
    graph = coo_array((np.ones(len(nodes), np.int8), (nodes, group_nodes)), shape=(size, size))
    return _renumber(np.asarray(connected_components(graph, directed=False)[1][:count]))


def grouped_folds(
    segments: NDArray[np.int64], families: NDArray[np.int64], count: int, seed: int
) -> NDArray[np.int64]:
    """Return the fold of each row, from 0, (rows,); segments are stratified.

    Args:
        segments: The segment of each row, (rows,), as any number from 0.
        families: The family of each row, (rows,), from 0. Families stay together.
        count: The number of folds.
        seed: The seed of the random split.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    # scikit-learn refuses fewer families than folds, and rows of which every segment has fewer:
    # add a segment with so many families.
    largest = np.unique(segments, return_counts=True)[1].max(initial=0)
    is_refused = min(largest, len(np.unique(families))) < count
    added = -1 - np.arange(count if is_refused else 0)
    labels = np.append(segments, np.full(len(added), -1))
    groups = np.append(families, added)
    result = np.zeros(len(labels), np.int64)
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # segments with fewer rows than folds
        for number, (_, outside) in enumerate(folds.split(labels, labels, groups)):
            result[outside] = number
    return result[: len(segments)]


def segments_in_several(segments: NDArray[np.int64], groups: NDArray[np.int64]) -> int:
    """Return how many segments have rows in several groups: in several families or folds.

    With at least two that are in several folds, the rows outside any fold can be trained on.

    Args:
        segments: The segment of each row, (rows,).
        groups: The family or fold of each row, (rows,).
    """
    pairs = np.unique(np.stack([segments, groups]), axis=1)
    return int((np.unique(pairs[0], return_counts=True)[1] > 1).sum())


def _renumber(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    return order[inverse]


def fingerprints(texts: Sequence[str]) -> NDArray[np.uint64]:
    """Return the first 8 bytes of the sha256 of each text's letters and digits, (texts,).

    A bundle stores those of its training texts, to find out later whether it was trained on a text.
    All texts without letters and digits have the same fingerprint.
    """
    letters = (_NO_LETTER.sub("", text).casefold() for text in texts)
    digests = (hashlib.sha256(one.encode("utf-8", "replace")).digest()[:8] for one in letters)
    return np.array([int.from_bytes(digest, "big") for digest in digests], np.uint64)


def has_fingerprint(texts: Sequence[str], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return whether the fingerprint of each text is among ``known``, (texts,).

    False for texts without letters and digits, because all of these have the same fingerprint.
    """
    found = fingerprints(texts)
    result: NDArray[np.bool_] = np.isin(found, known) & (found != fingerprints([""])[0])
    return result
