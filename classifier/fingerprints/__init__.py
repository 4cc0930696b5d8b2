"""Near duplicates: what a spot sounds like, looks like and says, small enough to compare all.

``fingerprint_of`` makes a fingerprint, ``index_keys`` the numbers under which it is found again,
``compare`` tells exactly how much two of them share, ``Likeness.same_spot`` decides
(``compare_if_same``: both in one, quicker), ``grouped`` makes families of the pairs.
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
