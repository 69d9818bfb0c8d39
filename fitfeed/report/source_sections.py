"""The parts of the page about what the dataset was made from: files, masks, rejects, options."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from fitfeed.converters.rejects import Reject
from fitfeed.output.source_facts import depth_lines, other_files, profile_lines
from fitfeed.report.elements import Element, element, table
from fitfeed.report.facts import Example, SplitFacts
from fitfeed.report.picture_data import mask_color
from fitfeed.report.pictures import Pictures
from fitfeed.report.reject_pictures import RejectPicture
from fitfeed.report.sections import section
from fitfeed.schemas.features import MaskFeature
from fitfeed.schemas.manifest import Manifest

NO_SOURCE = "With --source SOURCE, this page has pictures of those that can be shown."


def rejects(
    manifest: Manifest, first: Mapping[str, Sequence[Reject]], pictures: Sequence[RejectPicture] | None
) -> Element:
    """What did not become an example.

    Args:
        manifest: Of the dataset.
        first: The first files of each reason.
        pictures: Their pictures; None if the sources are not given.
    """
    dropped = manifest.duplicates.dropped
    copies = f", and {dropped:,} copies left out" if dropped else ""
    others = f"{other_files(manifest):,} other files were ignored{copies}."
    if not manifest.rejects:
        text = f"None. {others}"
        return section("rejects", "Rejects", element("p", text))
    of_path = {picture.reject.path: picture for picture in pictures or ()}
    counts = [[reason, f"{count:,}"] for reason, count in manifest.rejects.items()]
    text = f"{others} rejects.jsonl names all."
    return section(
        "rejects",
        "Rejects",
        table(["reason", "files"], counts, caption="Rejected files"),
        element("p", text if pictures is not None else f"{text} {NO_SOURCE}", class_="faint"),
        *(part for reason in manifest.rejects for part in _of_reason(reason, first.get(reason, ()), of_path)),
    )


def _of_reason(
    reason: str, rejects: Sequence[Reject], of_path: Mapping[str, RejectPicture]
) -> Iterator[Element]:
    """The first files of a reason: what can be shown, and a line for each."""
    if not rejects:
        return
    yield element("h3", reason)
    shown = [of_path[reject.path] for reject in rejects if reject.path in of_path]
    figures = [_rejected_figure(picture) for picture in shown if picture.address is not None]
    if figures:
        yield element("div", *figures, class_="row")
    yield element("ul", *(element("li", _rejected_line(each, of_path.get(each.path))) for each in rejects))


def _rejected_line(reject: Reject, picture: RejectPicture | None) -> str:
    """Why a file was rejected, and why it cannot be shown, if that is something else."""
    line = f"{reject.path}: {reject.detail}"
    if picture is None or picture.why in ("", reject.detail):
        return line
    return f"{line}. It cannot be shown: {picture.why}"


def _rejected_figure(picture: RejectPicture) -> Element:
    reject = picture.reject
    return element(
        "figure",
        element(
            "img", src=picture.address, alt=f"{reject.path}, rejected: {reject.detail}", decoding="async"
        ),
        element("figcaption", reject.path.rpartition("/")[2]),
        class_="picture",
        title=f"{reject.path}: {reject.detail}",
    )


def files(manifest: Manifest, facts: Sequence[SplitFacts]) -> Element:
    """What the image files were."""
    formats: dict[str, int] = {}
    for each in facts:
        for name, count in each.formats.items():
            formats[name] = formats.get(name, 0) + count
    lines = map(_sentence, (*depth_lines(manifest), *profile_lines(manifest)))
    without = sum(formats.values()) - sum(manifest.profiles.values())
    profiles = {**manifest.profiles, **({"none": without} if without > 0 else {})}
    return section(
        "files",
        "Files",
        element(
            "div",
            _counts("format", sorted(formats.items()), "Formats"),
            _counts("color profile", profiles.items(), "Color profiles"),
            _counts("bits", manifest.depths.items(), "Bits per value"),
            class_="charts",
        ),
        *(element("p", line, class_="faint") for line in lines),
    )


def _sentence(line: str) -> str:
    """A line of the terminal, whose first word names what it is about, as a sentence."""
    name, _, rest = line.partition(" ")
    return f"{name.capitalize()}: {rest.strip()}."


def _counts(what: str, counts: Iterable[tuple[object, int]], caption: str) -> Element:
    return table([what, "images"], [[str(name), f"{count:,}"] for name, count in counts], caption=caption)


def masks(manifest: Manifest, examples: Sequence[Example], pictures: Pictures) -> Element | None:
    """The values of masks, and some of them beside their images."""
    found = {
        name: label for name, label in manifest.features.labels.items() if isinstance(label, MaskFeature)
    }
    if not found:
        return None
    tables = [_mask_values(name, feature) for name, feature in found.items()]
    shown = [pictures.with_masks(example, list(found)) for example in examples]
    return section(
        "masks", "Masks", element("div", *tables, class_="charts"), element("div", *shown, class_="row")
    )


def _mask_values(name: str, feature: MaskFeature) -> Element:
    total = sum(feature.values.values())
    rows: list[list[Element | str]] = [
        [
            element("span", _swatch(int(value)), f" {value}"),
            f"{count:,}",
            f"{count / total:.2%}",
        ]
        for value, count in feature.values.items()
    ]
    return table(["value", "pixels", "share"], rows, caption=f"Values of {name}")


def _swatch(value: int) -> Element:
    """The color that a value has on this page."""
    color = element("rect", width="100%", height="100%", fill=mask_color(value))
    return element("svg", color, class_="swatch", aria_hidden="true")


def making(manifest: Manifest) -> Element:
    """How it was made."""
    options = [[name, _option(value)] for name, value in manifest.options.items()]
    sources = [[source.name, source.kind] for source in manifest.sources]
    return section(
        "making",
        "How it was made",
        table(["option", "value"], options, caption="Options of the conversion", numbers=False),
        table(["source", "kind"], sources, caption="Sources", numbers=False),
        element("p", f"{manifest.source.files:,} files, digest {manifest.source.digest}", class_="faint"),
    )


def _option(value: object) -> str:
    """The value of an option, as in JSON; `-` if it was not given."""
    return (
        "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    )
