"""HTML and SVG as elements. The library that writes them escapes every text, so nothing is put together from strings."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from fitfeed.schemas.text import printable

Element = ET.Element

DIGITS = 2
"""After the point, of coordinates: a hundredth of a pixel."""


def element(name: str, /, *children: Element | str | None, **attributes: object) -> Element:
    """Makes an element.

    Args:
        name: Its name: `p`.
        children: Elements and texts in their order; None is left out.
        attributes: `aria_label` is `aria-label`, `class_` is `class`. One that is None is left out.
    """
    made = ET.Element(name)
    for key, value in attributes.items():
        if value is not None:
            made.set(key.rstrip("_").replace("_", "-"), attribute_text(value))
    last: Element | None = None
    for child in children:
        if child is None:
            continue
        if isinstance(child, str):
            _add_text(made, last, printable(child))
        else:
            made.append(child)
            last = child
    return made


def attribute_text(value: object) -> str:
    """A value as an attribute: a number with as many digits as a screen needs, any other as text."""
    if isinstance(value, float):
        return f"{value:.{DIGITS}f}".rstrip("0").rstrip(".") or "0"
    return printable(str(value))


def _add_text(parent: Element, last: Element | None, text: str) -> None:
    if last is None:
        parent.text = (parent.text or "") + text
    else:
        last.tail = (last.tail or "") + text


def table(
    head: Sequence[str], rows: Sequence[Sequence[Element | str]], *, caption: str, numbers: bool = True
) -> Element:
    """A table whose first column names the rows.

    Args:
        head: The heads of its columns.
        rows: Their cells.
        caption: What it is.
        numbers: Whether all columns but the first are numbers.
    """
    align = "number" if numbers else None
    return element(
        "div",
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", *_heads(head, align))),
            element(
                "tbody",
                *(
                    element(
                        "tr",
                        element("th", row[0], scope="row"),
                        *(element("td", cell, class_=align) for cell in row[1:]),
                    )
                    for row in rows
                ),
            ),
        ),
        class_="scroll",
        tabindex="0",
        role="group",
        aria_label=caption,
    )


def _heads(head: Sequence[str], align: str | None) -> list[Element]:
    return [
        element("th", text, scope="col", class_=align if number else None) for number, text in enumerate(head)
    ]


def write_page(title: str, style: str, *content: Element) -> str:
    """A whole page that needs nothing else, and asks for nothing else.

    Args:
        title: Of the page.
        style: The style sheet. It is ours, and not escaped.
        content: What is in its body.
    """
    sheet = ET.Element("style")
    sheet.text = style
    page = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", http_equiv="Content-Security-Policy", content=POLICY),
            element("meta", name="color-scheme", content="light dark"),
            element("title", title),
            sheet,
        ),
        element("body", *content),
        lang="en",
    )
    return "<!doctype html>\n" + ET.tostring(page, encoding="unicode", method="html") + "\n"


POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""The page may show its own pictures and nothing else: no program runs, and no request leaves it."""
