"""Texts as BERT's uncased models see them, and the way back. Standard library only.

Answers are cut out of the text as it was written, so that the worker needs the same rules by which
the parent makes tokens. They are those of MLPerf's reference, https://github.com/mlcommons/inference
(language/bert), 2026-08.
"""

from __future__ import annotations

import re
import string
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SPECIAL_TOKENS = ("[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]")
"""Words with a meaning of their own: they keep their case and are not parted."""
CONTINUED = "##"
"""How a token begins that goes on with the word of the token before it."""
_SEPARATORS = re.compile("[ \t\r\n\u202f]+")
_IDEOGRAPHS = (
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF)),
    *((0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F)),
)
"""First and last of the Chinese characters, each of which is a word."""


def split_words(text: str) -> list[str]:
    """The words of a paragraph; other white space than the usual is a part of words."""
    return [word for word in _SEPARATORS.split(text) if word]


def split_tokens(text: str) -> list[str]:
    """Lower-cased words without accents, and punctuation marks; control characters are dropped."""
    tokens: list[str] = []
    for word in text.translate(_CLEAN).split():
        tokens += [word] if word in SPECIAL_TOKENS else _lower(word).translate(_PARTED).split()
    return tokens


def join_pieces(pieces: Sequence[str]) -> str:
    """The text of pieces of words, as `split_tokens` would have it."""
    text = " ".join(pieces).replace(f" {CONTINUED}", "").replace(CONTINUED, "")
    return " ".join(text.split())


def restore(text: str, original: str) -> str:
    """The part of an original text that joined pieces stand for; all of it where nothing tells."""
    tokens = " ".join(split_tokens(original))
    start = tokens.find(text)
    places = [place for place, char in enumerate(original) if char != " "]
    if not text or start < 0 or len(places) != len(tokens.replace(" ", "")):
        return original
    # The characters but for spaces correspond one to one.
    last = start + len(text) - 1
    first, end = (places[place - tokens.count(" ", 0, place)] for place in (start, last))
    return original[first : end + 1]


def _lower(word: str) -> str:
    if word.isascii():
        return word.lower()
    apart = unicodedata.normalize("NFD", word.lower())
    return "".join(char for char in apart if unicodedata.category(char) != "Mn")


class _Replacements(dict[int, str]):
    """What takes the place of each character, found out when it is first met."""

    def __init__(self, replace: Callable[[str], str]) -> None:
        super().__init__()
        self._replace = replace

    def __missing__(self, code: int) -> str:
        found = self[code] = self._replace(chr(code))
        return found


def _clean(char: str) -> str:
    category = unicodedata.category(char)
    if char in " \t\r\n" or category == "Zs":
        return " "
    if char == "\ufffd" or category.startswith("C"):
        return ""
    if any(first <= ord(char) <= last for first, last in _IDEOGRAPHS):
        return f" {char} "
    return char


def _part(char: str) -> str:
    mark = char in string.punctuation or unicodedata.category(char).startswith("P")
    return f" {char} " if mark else char


_CLEAN, _PARTED = _Replacements(_clean), _Replacements(_part)
