"""The quick checks of narratives say yes only where the thorough one finds nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.validation.narrative import Content
from gateway.validation.quick_narrative import is_plain, surely_acceptable
from gateway.validation.wide_narrative import is_wide

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
    if is_plain(text) or is_wide(text) or surely_acceptable(text):
        assert good(text)


NAMES = ["style", "class", "id", "title", "href", "src", "name", "colspan", "onclick", "target", "lang", "border"]
VALUES = ["", "x", "#y", "https://e.org/a?b=c&amp;d#e", "java script:", "JavaScript:x", "a>b", "a<b", "&#9;", "&#0;",
          "é", "data:image/png;base64,iVBORw0=", "/>", "urn:x:y", "x/"]  # fmt: skip
ATTRIBUTES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=3)
TREE = st.recursive(
    st.sampled_from(["x", " ", "é", "&amp;", "&#160;", ">", "]]>"]),
    lambda inner: st.builds(
        lambda tag, said, parts, end: (
            f"<{tag}{''.join(f' {name}={chr(34)}{value}{chr(34)}' for name, value in said)}"
            + ("/>" if not parts and end else f">{''.join(parts)}</{tag}>")
        ),
        st.sampled_from([*TAGS, "img", "caption", "em", "h1"]),
        ATTRIBUTES,
        st.lists(inner, max_size=3),
        st.booleans(),
    ),
    max_leaves=8,
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(TREE, max_size=4))
def test_tags_with_attributes_too(parts: list[str]) -> None:
    text = OPEN + "".join(parts) + "</div>"
    if is_plain(text) or is_wide(text) or surely_acceptable(text):
        assert good(text)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_a_tag_taken_out_of_a_wide_narrative_is_seen(data: st.DataObject) -> None:
    assert is_wide(WIDE)
    tags = [*re.finditer(r"<[^>]*>", WIDE)]
    one, other = data.draw(st.sampled_from(tags)), data.draw(st.sampled_from(tags))
    changed = WIDE[: one.start()] + data.draw(st.sampled_from(["", other.group()])) + WIDE[one.end() :]
    if is_wide(changed):
        assert good(changed)


WIDE = OPEN + (
    '<p class="a" style="b"><b>One</b> <a name="x"> </a><a href="y.html" title="z">to <span title="u">y</span></a></p>'
    '<div style="c"><p style="d"/><p>e <a href="f">g</a></p></div><hr/>'
    '<table class="grid" border="1"><thead><tr><th><b>h</b></th></tr></thead><tr><td style="i" class="j">'
    '<img src="k.png" alt="." style="l"/><ul><li>m</li></ul></td><td colspan="3"/></tr></table>'
    "<blockquote><p>n</p><blockquote><code>o</code></blockquote><h3>p</h3></blockquote><ol><li><p>q</p></li></ol>"
    "</div>"
)


@pytest.mark.parametrize("how", ['<p class="a" class="b">x</p>', "<p><ul><li>x</li></ul></p>", "<b>x</i></b>", "<p>x",
                                 '<a href="javascript:x">y</a>', '<a href="#nowhere">x</a>', "<td>x</th>", "x]]>",
                                 '<p onclick="x">y</p>', "<script>x</script>", "&#0;", "<p>&nbsp;x</p>"])  # fmt: skip
def test_what_is_bad_is_not_wide(how: str) -> None:
    assert not is_wide(f"{OPEN}x{how}</div>")


def test_a_wide_narrative_has_something_to_read() -> None:
    assert is_wide(f"{OPEN}<p>x</p></div>")
    assert not is_wide(f"{OPEN}<p> </p></div>")


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
