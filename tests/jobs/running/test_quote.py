"""Text comes out of a submit description as it went in."""

from __future__ import annotations

import classad2
import htcondor2
from hypothesis import given
from hypothesis import strategies as st

from jobs.running.quote import quote_classad, quote_words

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@given(TEXT)
def test_classad_strings_are_escaped(text: str) -> None:
    """Quotes and backslashes cannot end a ClassAd string."""
    assert classad2.ExprTree(quote_classad(text)).eval() == text


def test_words_keep_their_quotes() -> None:
    """A word with both kinds of quotes is one argument in HTCondor's new syntax."""
    words = ["it is", 'a "b"', "it's"]
    submit = htcondor2.Submit(f"arguments = {quote_words(words)}")
    assert submit["arguments"] == "\"'it is' 'a \"\"b\"\"' 'it''s'\""
