"""Types that every part of the classifier shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]
"""(creatives, 18), columns as ``segments.NUMBERS``, rows of sum 1; NaN where nothing is said."""
