"""Texts that hide what they say: another alphabet, a code, letters that are shifted or turned."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import pairwise

from web.tutor.gate.seen import Seen
from web.tutor.gate.solution import Solutions
from web.tutor.languages import LATIN

BASE64 = re.compile(r"(?<![\w+/=])[A-Za-z0-9+/_-]{10,}={0,2}")
BASE32 = re.compile(r"(?<!\w)[A-Z2-7]{16,}={0,6}(?!\w)")
BASE85 = re.compile(r"(?<!\S)[!-~]{20,}(?!\S)")
OCTAL = re.compile(r"(?<![\d.])(?:[01]?[0-7]{2}[ ,]{1,2}){5,}[01]?[0-7]{2}(?![\d.])")
HEX = re.compile(r"(?<![0-9a-z])(?:(?:0x|\\x)?[0-9a-f]{2}[ ,:]?){6,}(?![0-9a-z])", re.IGNORECASE)
BITS = re.compile(r"(?<!\d)(?:[01]{7,8}[ ,]?){3,}(?!\d)")
NUMBERS = re.compile(r"(?<![\d.])(?:\d{2,3}[ ,]{1,2}){5,}\d{2,3}(?![\d.])")
DIGIT = re.compile(r"\d")
DIGITS = 6
"""Fewer digits are none of CODES_OF_DIGITS: of HEX each letter of ASCII has one."""
LONG = 10
"""Shorter words are none of CODES_OF_WORDS."""
MORSE = re.compile(r"(?:(?<!\S)[.\-·–−]{1,5}[ /|]+){5,}")
BRAILLE = re.compile("[\u2800-\u28ff]")
# Of shorter words, shifted ones are often words of prose too.
SHORTEST_WORD = 5
LETTERS = "abcdefghijklmnopqrstuvwxyz"
CODE_WORDS = frozenset(("return", "while", "range", "print", "lambda", "append", "import", "break"))
_LATIN_WORD = r"[A-Za-z_][a-z0-9_']*+"
ENGLISH = re.compile(rf"(?<![`'\w])(?:{_LATIN_WORD}[ ,]{{1,2}}){{5,}}{_LATIN_WORD}(?![`\w])")
"""So many words in a row are a sentence, where they are no error message."""
LEET = str.maketrans("013457@$!", "oleastasi")
IN_MIXED = re.compile(r"[0-9@$!]")
MIXED = re.compile(r"(?<![\w])(?=[a-z]*[0-9@$!])[a-z0-9@$!]{4,20}(?![\w])")


def is_disguised(text: str, parts: list[str], known: Solutions, seen: Seen) -> bool:
    """R1: whether a text as rendered holds code that is encoded, shifted, or spelled backward.

    parts: its tokens.
    """
    if MORSE.search(text) or BRAILLE.search(text):
        return True
    return _holds_encoded(text, seen) or _holds_turned(text, parts, seen, known)


def _holds_encoded(text: str, seen: Seen) -> bool:
    """Whether a run of letters or numbers in it is a text in a code of machines."""
    codes: Codes = CODES_OF_WORDS if max(map(len, text.split()), default=0) >= LONG else ()
    if len(DIGIT.findall(text)) >= DIGITS:
        codes += CODES_OF_DIGITS
    return any(
        says_words(decode(found[0])) and found[0].strip() not in seen.text
        for pattern, decode in codes
        for found in pattern.finditer(text)
    )


def says_words(decoded: bytes) -> bool:
    """Whether these bytes are a text of ASCII."""
    if len(decoded) < 3 or not all(32 <= byte < 127 or byte in (9, 10) for byte in decoded):
        return False
    return sum(map(str.isalpha, decoded.decode("ascii"))) * 3 >= len(decoded)


def _padded(decode: Callable[[str], bytes], group: int, text: str) -> bytes:
    """group: characters that are decoded together; of the last ones some may be wanting."""
    bare = text.rstrip("=")
    try:
        return decode(bare + "=" * (-len(bare) % group))
    except ValueError:
        return b""


def _base64(text: str) -> bytes:
    return _padded(base64.b64decode, 4, text.replace("-", "+").replace("_", "/"))


def _hex(text: str) -> bytes:
    digits = re.sub(r"0x|\\x|[ ,:]", "", text.casefold())
    return bytes.fromhex(digits) if len(digits) % 2 == 0 else b""


def _bits(text: str) -> bytes:
    return bytes(int(bits, 2) for bits in re.findall(r"[01]+", text) if len(bits) <= 8)


def _numbers(text: str, base: int = 10) -> bytes:
    # Values of a list may be letters by chance, so only small ones in a row are read as such.
    numbers = [int(number, base) for number in re.findall(r"\d+", text)]
    return bytes(numbers) if max(numbers) < 256 else b""


def _base85(text: str) -> bytes:
    try:
        return base64.b85decode(text)
    except ValueError:
        return b""


Codes = tuple[tuple[re.Pattern[str], Callable[[str], bytes]], ...]
CODES_OF_WORDS: Codes = (
    (BASE64, _base64),
    (BASE32, partial(_padded, base64.b32decode, 8)),
    (BASE85, _base85),
)
CODES_OF_DIGITS: Codes = (
    (HEX, _hex),
    (BITS, _bits),
    (NUMBERS, _numbers),
    (OCTAL, partial(_numbers, base=8)),
)


def _holds_turned(text: str, parts: list[str], seen: Seen, known: Solutions) -> bool:
    """Whether it has a word of code backward, shifted in the alphabet, or with digits in it."""
    told = {part for part in parts if len(part) >= SHORTEST_WORD and part.isascii()}
    code, shapes = _code_words(known)
    words = (part for part in told - code if part.isalpha())
    if any(
        (shape(part) in shapes or part[::-1] in code) and part not in seen.tokens for part in words
    ):
        return True
    return bool(IN_MIXED.search(text)) and any(
        found[0] not in seen.tokens and found[0].translate(LEET) in CODE_WORDS
        for found in MIXED.finditer(text.casefold())
    )


@lru_cache(maxsize=512)
def _code_words(known: Solutions) -> tuple[frozenset[str], frozenset[tuple[int, ...]]]:
    """Words of code, and their shapes: also of the same words in the alphabet from its end on."""
    long = (name for name in known.names if len(name) >= SHORTEST_WORD)
    words = CODE_WORDS.union(filter(str.isalpha, long))
    found = map(shape, words)
    turned = (one for steps in found for one in (steps, tuple(-step % 26 for step in steps)))
    return words, frozenset(turned)


@lru_cache(maxsize=4096)
def shape(word: str) -> tuple[int, ...]:
    """The steps in the alphabet from each letter to the next: the same for each shift."""
    places = map(LETTERS.find, word)
    return tuple([(after - before) % 26 for before, after in pairwise(places)])


def is_foreign(text: str, seen: Seen, script: re.Pattern[str]) -> bool:
    """R8: whether the text has letters of an alphabet that is neither its own nor Latin, or says a
    sentence in English where another script is its own.

    What the student's program and the exercise have may be told.
    """
    if not script.match("a") and any(run not in seen.text for run in ENGLISH.findall(text)):
        return True
    if text.isascii():
        return False
    # A sentence that is longer than this is no hint, and is refused for its length.
    # Letters of Korean that stand alone are of no script in the other form.
    added = "".join(char for char in text[:600] if not script.match(char) and char not in seen.text)
    strange = {char for char in unicodedata.normalize("NFKC", added) if char.isalpha()}
    return any(
        not LATIN.match(char) and not script.match(char) and char not in seen.text
        for char in strange
    )
