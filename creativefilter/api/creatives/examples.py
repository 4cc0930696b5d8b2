"""Examples of requests and answers about creatives, predictions and labels."""

from __future__ import annotations

from typing import Any

from classifier.channels import SPEECH
from creativefilter.api.core.examples import HERE, WHEN, answered, asked
from creativefilter.api.jobs.views import example as job_example

_JOB = "0b6ee6e2-6f0b-4f5b-9d5c-2f4c1c1b7a10"
_SEGMENT = {"segment_num": 12, "segment": "Кредитные карты"}
_ROW: dict[str, Any] = {
    "id": 4711,
    "url": f"{HERE}/creatives/4711",
    "advertisement_id": "4297908",
    "name": "4297908.mp4",
    "state": "done",
    "progress": 100,
    "error": None,
    **_SEGMENT,
    "reviewed": False,
    "label_segment_num": None,
    "predicted_segment_num": 12,
    "probability": 0.94,
    "decision": "auto",
    "conflict": False,
    "reason": None,
    "prediction": 9001,
    "model_version": 3,
    "advertiser": "БАНК",
    "brand": "БАНК",
    "media_type": "TV Nat",
    "is_demo": False,
    "seconds": 20.0,
    "created_at": WHEN,
}
_SHARES = [{"segment_num": 12, "probability": 0.94}, {"segment_num": 13, "probability": 0.06}]
_CHANNELS = [
    {
        "name": SPEECH,
        "segment_num": 12,
        "probability": 0.97,
        "evidence": [{"text": "кредит", "start": 9, "end": 15, "weight": 0.41}],
        "neighbours": [],
    }
]
_WHOLE = {
    **_ROW,
    "media": {
        "id": 5012,
        "original_name": "4297908.mp4",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "size": 1048576,
        "container": "mov,mp4,m4a,3gp,3g2,mj2",
        "seconds": 20.0,
        "partial": False,
        "share_read": 1.0,
        "created_at": WHEN,
        "url": f"{HERE}/media/5012",
        "sound_url": f"{HERE}/media/5012/audio.wav",
        "frames": [{"seconds": 1.0, "url": f"{HERE}/media/5012/frame-00.jpg"}],
    },
    "transcript": "Возьмите кредит на выгодных условиях.",
    "screen_text": "КРЕДИТ НАЛИЧНЫМИ",
    "probabilities": _SHARES,
    "channels": _CHANNELS,
}
_UPLOADED = {
    "accepted": 1,
    "refused": 1,
    "results": [
        {
            "name": "4297908.mp4",
            "accepted": True,
            "known": False,
            "creative": 4711,
            "url": f"{HERE}/creatives/4711",
            "job": _JOB,
            "job_url": f"{HERE}/jobs/{_JOB}",
            "problem": None,
        },
        {
            "name": "film.mp4",
            "accepted": False,
            "known": False,
            "creative": None,
            "url": None,
            "job": None,
            "job_url": None,
            "problem": {"code": "refused", "message": "The file is larger than 500 MB."},
        },
    ],
}
_PREDICTION = {
    "id": 9001,
    "url": f"{HERE}/predictions/9001",
    "creative": 4711,
    "creative_url": f"{HERE}/creatives/4711",
    "media": 5012,
    **_SEGMENT,
    "probability": 0.94,
    "decision": "auto",
    "conflict": False,
    "reason": None,
    "model_version": 3,
    "model_version_name": "bundle 1a2b3c4d",
    "created_at": WHEN,
}
_LABEL = {
    "id": 77,
    "url": f"{HERE}/labels/77",
    "creative": 4711,
    "creative_url": f"{HERE}/creatives/4711",
    **_SEGMENT,
    "author": "anna",
    "note": "A credit card of a bank",
    "batch": None,
    "created_at": WHEN,
}
_BATCH = {
    "id": 5,
    "url": f"{HERE}/labels/batches/5",
    **_SEGMENT,
    "author": "anna",
    "note": "All of this brand are cards",
    "size": 120,
    "created_at": WHEN,
    "undone_at": None,
}

LISTED = answered("A row of the list", _ROW)
ONE = answered("One creative", _WHOLE)
UPLOADED = answered("One accepted, one refused", _UPLOADED, 202)
UPLOAD = asked("A file", {"file": ["the bytes of 4297908.mp4"]}, "multipart/form-data")
CHANGE = asked(
    "An ID and a segment",
    {
        "advertisement_id": "4297908",
        "label": {"segment_num": 12, "note": "A credit card of a bank"},
    },
)
QUEUED = job_example("The job", 202, stage="decoding", progress=0)
PREDICTIONS = answered("A row of the list", _PREDICTION)
PREDICTION = answered(
    "One prediction", {**_PREDICTION, "probabilities": _SHARES, "channels": _CHANNELS}
)
LABELS = answered("A row of the list", _LABEL)
LABEL = answered("One label", _LABEL, 200, 201)
LABEL_CREATE = asked(
    "By the Advertisement ID",
    {"advertisement_id": "4297908", "segment_num": 12, "note": "A credit card of a bank"},
)
BATCHES = answered("A row of the list", _BATCH)
BATCH = answered("One batch", _BATCH)
BATCH_CREATE = asked(
    "All doubtful ones of a brand",
    {
        "segment_num": 12,
        "note": "All of this brand are cards",
        "filter": {"brand": ["БАНК"], "decision": "review", "reviewed": False},
        "dry_run": False,
        "expected": 120,
    },
)
BATCH_OUTCOME = answered(
    "What was set",
    {
        "batch": _BATCH,
        "changing": 120,
        "same": 3,
        "before": [
            {"segment_num": None, "creatives": 100, "labelled": 0},
            {"segment_num": 13, "creatives": 20, "labelled": 2},
            {"segment_num": 12, "creatives": 3, "labelled": 3},
        ],
        "unknown_creatives": [],
        "unknown_advertisement_ids": [],
    },
    201,
)
BATCH_UNDONE = answered("Undone", {**_BATCH, "undone_at": WHEN, "restored": 119})
