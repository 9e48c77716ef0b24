"""The quick checks of narratives say yes only where the thorough one finds nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.validation.narrative import Content
from gateway.validation.quick_narrative import is_plain, surely_acceptable

OPEN = '<div xmlns="http://www.w3.org/1999/xhtml">'
TAGS = "p b i span div ul li table tr td th h3 blockquote a code script u br hr tbody".split()
PIECES = [
    *(f"<{tag}>" for tag in TAGS),
    *(f"</{tag}>" for tag in TAGS),
    *"<br/> <hr/> <p/> &amp; &nbsp; &#0; &lt; & ]]> x".split(),
    " ",
    "\x01",
    "\uffff",
    "é",
    '<a name="x" href="#y">',
    '<a href="javascript:x">',
    '<p class="a" class="b">',
    '<p onclick="x">',
    '<td style="x">',
    "<!-- -->",
]
NESTED = st.recursive(
    st.sampled_from(["x", " ", "é", "&amp;", "<br/>", "<p/>"]),
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>", st.sampled_from(TAGS), st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


def good(text: str) -> bool:
    content = Content(text)
    return not content.faults and content.readable


@settings(max_examples=400, deadline=None)
@given(st.lists(NESTED | st.sampled_from(PIECES), max_size=5), st.sampled_from(["</div>", "", "</div>x", "</div> "]))
def test_yes_means_that_the_thorough_check_agrees(parts: list[str], end: str) -> None:
    text = OPEN + "".join(parts) + end
    if is_plain(text) or surely_acceptable(text):
        assert good(text)


@pytest.mark.parametrize(
    "inner",
    [
        "x",
        "<p>one</p><p/>",
        "<ul><li>a <b>b</b></li>\n</ul>",
        '<table class="grid"><tbody><tr><td>a</td><td colspan="2">b &amp; c</td></tr></tbody></table>',
        '<h3>é</h3><a name="x"> </a><span title="y">z</span>',
        '<div style="x"><p><a href="https://example.org">site</a></p></div>',
    ],
)
def test_usual_narratives_are_plain(inner: str) -> None:
    assert is_plain(OPEN + inner + "</div>")
    assert good(OPEN + inner + "</div>")


@pytest.mark.parametrize("inner", ["", " ", "<p> </p>", '<p class="x"/>', "<b>x</i>", "<p>x", "&nbsp;", "a]]>b"])
def test_what_is_empty_or_not_well_formed_is_not(inner: str) -> None:
    assert not is_plain(OPEN + inner + "</div>")
    assert not surely_acceptable(OPEN + inner + "</div>")
