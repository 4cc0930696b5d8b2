"""Near duplicates: fingerprints of sound, pictures and words, small enough to compare all spots.

``fingerprint_of`` makes a fingerprint, ``index_keys`` and ``query_keys`` give the keys of an index
of fingerprints. ``compare`` measures exactly how much two fingerprints share, and
``Likeness.same_spot`` decides (``compare_if_same`` does both, faster). ``grouped`` makes families
of the pairs.
"""

from classifier.fingerprints.fingerprint import Fingerprint, fingerprint_of, index_keys, query_keys
from classifier.fingerprints.grouping import grouped
from classifier.fingerprints.rules import Likeness, compare, compare_if_same
from classifier.fingerprints.sound import SoundUnavailable

__all__ = [
    "Fingerprint",
    "Likeness",
    "SoundUnavailable",
    "compare",
    "compare_if_same",
    "fingerprint_of",
    "grouped",
    "index_keys",
    "query_keys",
]
