"""Types that every part of the classifier shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]
"""Shape (creatives, segments), columns as the ``numbers`` of the bundle.

Each row sums to 1, or is NaN for a creative that lacks the channel, or all channels.
"""

Numbers = tuple[int, ...]
"""Segment numbers in ascending order: the columns of an array."""
