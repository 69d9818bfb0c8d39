"""The parts of the page about the source."""

from pathlib import Path

from fitfeed.converters.rejects import Reject
from fitfeed.output.dataset_text import dataset_lines
from fitfeed.report import source_sections
from fitfeed.report.elements import Element
from fitfeed.report.reject_pictures import RejectPicture
from fitfeed.schemas.manifest import Manifest, read_manifest


def texts(part: Element) -> list[str]:
    return [text for text in part.itertext() if text.strip()]


BROKEN = Reject("a.jpg", "corrupt", "broken")


def test_rejects_are_counted_and_the_first_are_named(gray: Path) -> None:
    manifest: Manifest = read_manifest(gray)
    assert texts(source_sections.rejects(manifest, {}, None))[1] == "None. 0 other files were ignored."
    some = manifest.model_copy(update={"rejects": {"corrupt": 2000, "timeout": 1}})
    said = texts(source_sections.rejects(some, {"corrupt": [BROKEN]}, None))
    assert {"corrupt", "2,000", "a.jpg: broken", "timeout", "1"} <= set(said)
    assert any(source_sections.NO_SOURCE in text for text in said)


def test_copies_that_were_left_out_are_no_other_files(gray: Path) -> None:
    manifest = read_manifest(gray)
    dropped = manifest.duplicates.model_copy(update={"dropped": 5})
    some = manifest.model_copy(update={"ignored": 6, "rejects": {"label_conflict": 2}, "duplicates": dropped})
    said = texts(source_sections.rejects(some, {}, []))
    assert "3 other files were ignored, and 5 copies left out. rejects.jsonl names all." in said
    assert "rejects    2, 3 other files ignored, 5 copies left out; see rejects.jsonl" in dataset_lines(
        "gray", some
    )


def test_what_cannot_be_shown_has_one_line_that_says_why(gray: Path) -> None:
    some = read_manifest(gray).model_copy(update={"rejects": {"corrupt": 3}})
    rejects = [BROKEN, Reject("b.jpg", "corrupt", "broken"), Reject("c.jpg", "corrupt", "broken")]
    pictures = [
        RejectPicture(rejects[0], "data:image/jpeg;base64,", ""),
        RejectPicture(rejects[1], None, "it is gone"),
        RejectPicture(rejects[2], None, "broken"),
    ]
    part = source_sections.rejects(some, {"corrupt": rejects}, pictures)
    lines = ["a.jpg: broken", "b.jpg: broken. It cannot be shown: it is gone", "c.jpg: broken"]
    assert [item.text for item in part.iter("li")] == lines
    assert [image.get("alt") for image in part.iter("img")] == ["a.jpg, rejected: broken"]
    assert not any(source_sections.NO_SOURCE in text for text in texts(part))
