"""Detection of legacy Cyrillic encodings by how probable the decoded words are.

In cp1251, cp866, koi8-r and mac-cyrillic nearly every byte is valid, so none of them can be
excluded. But only one of them usually turns the bytes into Russian words. The words of a table are
names, often short and in capitals. Detection libraries are made for prose and fail on such names:
charset-normalizer was wrong about 54 of 400 small tables, this module about none of 6,000.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

# Most common first. The log-odds in _HEAD_START are added to an encoding's score because Russian
# offices use these two more often.
OLD_ENCODINGS = ("cp1251", "cp866", "koi8-r", "mac-cyrillic")
_HEAD_START = {"cp1251": 3.0, "cp866": 1.0}
# The best encoding is clear if its score is at least this far above the next one. Scores are
# natural logarithms of probabilities.
CLEAR = 5.0
# Distinct words that are scored; more words do not make the result clearer.
MAX_WORDS = 2_000

_LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
_PLACE = {letter: place for place, letter in enumerate(_LETTERS)} | {"ё": _LETTERS.index("е")}
_EDGE = len(_LETTERS)
# Costs of letter pairs. Row: a letter, or the edge of a word (last row). Column: the next letter or
# edge. A cost is minus the natural logarithm of the pair's probability, in thirds: "a" is 0, "b" is
# 1/3. Counted in 1,393 Russian transcripts of advertisements.
_PAIRS = (
    "xmjnllmksjjiihtnijiqrmpnmrzzzynlg",
    "grrvsfvvgvojtkgtimsivqutunpjroqnk",
    "ftvsrgwphxjkrlgrmkmlxvttrxxhosxph",
    "gtttljuuhuqjrldsgutkuututuuuutuuj",
    "gsnrrfnqgwlmqigmkmsiwsrwtwwlousoj",
    "qnmljonntkkijhrpgihvrpqnmrzzzxuuf",
    "hprshersfsnrognssssmsssrssssqsrsl",
    "emiqikqujulolhjpmrukuuuuuutinuuoj",
    "oojmlkpkllkjjimpkjgvrnnmoszzzwokf",
    "tqttmtvvvvmonkoqqjgvqtsposvvvvvvb",
    "ftpwtitxgxtjvqfvimkiqwoxwxxvwowxh",
    "frpqsgpwgxomvmhxxosjwxxvqxxngvjjj",
    "fotvxhxxgxqpilhnspujsxxuxxxlouvpe",
    "gtoolhwsgyksykfytmjkrwoswwxgmytlj",
    "yjhkilmmojkiijmliijropqmpqzzzvsph",
    "itwwwgwwjwmiwoepeqplwwwrvvwqstton",
    "fnnnpgrthyltlmfptmkjttsuqwykoxrlk",
    "jllwpixyjyhkmlijnkeltrrotytolurij",
    "hrkxrfyyhymqqkhriksluywsxyykhvwog",
    "olnlknllslklkmvilijgrpvjmnwwwvjtf",
    "hqrqrfrqfromqpfrjnnlnrqrrrrprrqri",
    "ismprpsslsrlqkesmqposssrssssspssc",
    "innrrerrdrnrqrnoqnrkrrorrrrkrrrrj",
    "fttttettftirsgptttjjttttltttmtttm",
    "gjqssfssgsjkpkjpqslksssssssshsssk",
    "gppppdppeppppkpppppjpppppppplpppp",
    "lllllflllllllllllllllllllllllllgk",
    "vlikqgrqogkmipvonkluvhvpmsvvvvvte",
    "vqtoplvlqvktlgrrvilvnorrlvvvvvlmc",
    "qnqooqqqqleimkqlmmfqknqogqqqqqqqk",
    "qhrsksqnssrmnnsslkfsrsriojssrsqsd",
    "vnmsmkonvmrnklvvnnhvvmnmrnvvvvmqc",
    "ljiljppklviljjjgjgklnnpnpxzzzntqz",
)
# Costs of signs and of unusual letter case: minus natural logarithms, not in thirds.
_STRANGE_SIGN = 9.0
_USUAL_SIGN = 4.0
_LATIN_BESIDE_CYRILLIC = 3.0
_CAPITAL_INSIDE = 5.0
_SMALL_AFTER_CAPITALS = 4.0
_GLUED_SIGNS = "«»№\xa0"
_USUAL_SIGNS = _GLUED_SIGNS + "—–…“”„‘’•°®™©§"
# Starts at the first letter of a run only: long runs of ASCII would take quadratic time otherwise.
_WORD = re.compile(r"(?<![A-Za-z])[A-Za-z]*+[^\x00-\x7f](?:[A-Za-z]|[^\x00-\x7f])*+")


def likely(sample: bytes) -> list[str]:
    """Return the encodings that ``sample`` may be in, most probable first.

    The list has one item if the result is clear. Encodings that decode the sample to the same text
    count as one.
    """
    texts: dict[str, str] = {}
    for encoding in OLD_ENCODINGS:
        texts.setdefault(sample.decode(encoding, "replace"), encoding)
    scores = sorted(
        (
            (_score(text) + _HEAD_START.get(encoding, 0.0), encoding)
            for text, encoding in texts.items()
        ),
        reverse=True,
    )
    best = scores[0][0]
    return [encoding for score, encoding in scores if best - score < CLEAR]


def _score(text: str) -> float:
    return sum(map(_word_score, _different_words(text)))


def _different_words(text: str) -> Iterable[str]:
    """Return the distinct words: a name that is in every row counts once."""
    words = dict.fromkeys(_WORD.findall(text))
    return list(words)[:MAX_WORDS]


@lru_cache(maxsize=8192)
def _word_score(word: str) -> float:
    """Return the natural logarithm of a word's probability, up to a constant."""
    score, before, previous = 0.0, _EDGE, ""
    for place, sign in enumerate(word):
        letter = _PLACE.get(sign.lower())
        if letter is not None:
            score -= _cost(before, letter)
            before = letter
        else:
            if sign in _USUAL_SIGNS and before != _EDGE:
                score -= _cost(before, _EDGE)
            score -= _cost_of_sign(sign, alone=len(word) == 1)
            before = _EDGE
        if previous.islower() and sign.isupper():
            score -= _CAPITAL_INSIDE
        elif previous.isupper() and sign.islower() and place > 1:
            score -= _SMALL_AFTER_CAPITALS
        previous = sign
    return score - _cost(before, _EDGE)


def _cost(before: int, letter: int) -> float:
    return (ord(_PAIRS[before][letter]) - ord("a")) / 3


def _cost_of_sign(sign: str, *, alone: bool) -> float:
    if sign.isascii():
        return _LATIN_BESIDE_CYRILLIC
    if sign in _GLUED_SIGNS or (alone and sign in _USUAL_SIGNS):
        return _USUAL_SIGN
    return _STRANGE_SIGN
