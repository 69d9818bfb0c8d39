"""Elements: whatever a text is, a browser shows that text and nothing else."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from fitfeed.report.elements import element, table, write_page
from fitfeed.schemas.text import printable

HOSTILE = st.text(st.sampled_from("<>&\"'/;=-!\x00\x1b\u202e\n aé") | st.characters()) | st.sampled_from(
    ["<script>alert(1)</script>", "</style><script>", "&lt;", '"><img src=x onerror=alert(1)>', "</title>"]
)


class Reader(HTMLParser):
    """Collects tags, texts and attributes as a browser would take them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@given(HOSTILE, HOSTILE)
def test_any_text_is_shown_as_it_is_and_nothing_of_it_is_a_tag(text: str, note: str) -> None:
    read = Reader(write_page(text, "p { color: red }", element("p", text, title=note)))
    assert read.tags == ["html", "head", "meta", "meta", "meta", "meta", "title", "style", "body", "p"]
    assert "".join(read.texts).count(printable(text)) >= (2 if text else 0)
    assert read.attributes["title"] == printable(note)


def test_texts_stay_in_their_order_between_elements() -> None:
    made = element(
        "p", "a", element("b", "c"), "d", None, "e", element("i"), "f", class_="x", aria_label=None
    )
    assert '<body><p class="x">a<b>c</b>de<i></i>f</p></body>' in write_page("", "", made)


def test_numbers_of_attributes_have_the_digits_that_a_screen_needs() -> None:
    assert element("rect", x=1.23456, y=2.0, width=0.0, n=3).attrib == {
        "x": "1.23",
        "y": "2",
        "width": "0",
        "n": "3",
    }


def test_a_table_names_its_rows_and_columns() -> None:
    page = write_page("", "", table(["class", "train"], [["rose", "3"]], caption="Examples"))
    for part in (
        '<th scope="col">class</th>',
        '<th scope="col" class="number">train</th>',
        '<th scope="row">rose</th>',
        '<td class="number">3</td>',
        "<caption>Examples</caption>",
    ):
        assert part in page


def test_the_page_may_load_nothing() -> None:
    page = write_page("t", "")
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    assert page.startswith("<!doctype html>")
