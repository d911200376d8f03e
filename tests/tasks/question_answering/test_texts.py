"""Words, tokens, and the way from tokens back to the text."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from dse.tasks.question_answering._texts import join_pieces, restore, split_tokens, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\r\n\u202f", []),
        ("one  two\tthree\r\nfour\u202ffive", ["one", "two", "three", "four", "five"]),
        ("no\u00a0break\u2003wide\u2028line", ["no\u00a0break\u2003wide\u2028line"]),
        ("\x0bfeed\x0c", ["\x0bfeed\x0c"]),
    ],
)
def test_words_are_parted_by_the_usual_white_space_alone(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("It's 3.5 %!", ["it", "'", "s", "3", ".", "5", "%", "!"]),
        ("$1^2`~|", ["$", "1", "^", "2", "`", "~", "|"]),
        ("Ünïcödé naïve", ["unicode", "naive"]),
        ("İstanbul", ["istanbul"]),
        ("straße ﬁn", ["straße", "ﬁn"]),
        ("a\u00a0b\u2003c\u202fd\u2028e", ["a", "b", "c", "d", "e"]),
        ("a\0b\ufffdc\u200bd\u00ade\x7f\x85", ["abcde"]),
        ("東京tower", ["東", "京", "tower"]),
        ("がぎ 한국", ["かき", unicodedata.normalize("NFD", "한국")]),
        ("«quoted» \u2013 dash…", ["«", "quoted", "»", "\u2013", "dash", "…"]),
        ("[SEP] [sep] x[MASK]", ["[SEP]", "[", "sep", "]", "x", "[", "mask", "]"]),
        ("", []),
    ],
)
def test_tokens_are_small_letters_without_accents(text: str, tokens: list[str]) -> None:
    assert split_tokens(text) == tokens


def test_no_character_fails() -> None:
    for code in range(0, sys.maxunicode, 0x1000):
        text = "".join(chr(c) for c in range(code, code + 0x1000) if not 0xD800 <= c <= 0xDFFF)
        assert all(token and not token.isspace() for token in split_tokens(text))


def test_pieces_become_words_again() -> None:
    assert join_pieces(["un", "##aff", "##able", "cats"]) == "unaffable cats"
    assert join_pieces(["##able", "x"]) == "able x"


@pytest.mark.parametrize(
    ("found", "original", "restored"),
    [
        ("steve smith", "Steve Smith's", "Steve Smith"),
        ("1895", "(1895-1943).", "1895"),
        ("$ 3 . 5 million", "$3.5 million,", "$3.5 million"),
        ("uber", "Über-", "Über"),
        ("another", "Steve Smith", "Steve Smith"),  # tokens that are not there
        ("a b", "(a\u00a0b)", "(a\u00a0b)"),  # the characters do not correspond
        ("istanbul", "(İstanbul)", "İstanbul"),
        ("[UNK]", "(☃)", "(☃)"),
        ("", "all of it", "all of it"),
        ("京", "(東京)", "京"),
    ],
)
def test_an_answer_is_as_it_was_written(found: str, original: str, restored: str) -> None:
    assert restore(found, original) == restored
