"""Types that every part of the classifier shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]
"""Shape (creatives, segments). The columns are the ``numbers`` of the object that gives the array.

Each row sums to 1 or is NaN. A row of one channel is NaN if the creative lacks that channel; a
fused row is NaN if the creative lacks all channels.
"""

Numbers = tuple[int, ...]
"""The segment numbers of an array's columns, ascending."""
