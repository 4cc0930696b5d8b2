"""Files with a false extension: the page says so, and the browser is not given the original."""

from __future__ import annotations

import pytest
from django.utils import translation

from creativefilter.creatives.admin.creative_page import container_of, player_of
from creativefilter.creatives.models import MediaVersion


@pytest.mark.parametrize(
    ("named", "shown", "tag"),
    [("mp4", "flv, although its name says mp4", ""), ("", "flv", "video")],
)
def test_the_content_wins_and_the_difference_is_shown(named: str, shown: str, tag: str) -> None:
    probe = {"looks_like": named, "video_codec": "h264"}
    media = MediaVersion(pk=1, file="a/b.mp4", container="flv", probe=probe)
    with translation.override("en"):
        assert container_of(media) == shown
        assert player_of(media)["tag"] == tag
