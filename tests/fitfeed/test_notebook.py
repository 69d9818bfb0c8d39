"""What an open dataset shows of itself: in a line, in a notebook, as pictures, as a page."""

import base64
import io
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from fitfeed.pipelines import Dataset, RandomFlip, open_dataset
from fitfeed.schemas.errors import NotFoundError, UsageError
from fitfeed.schemas.report_page import ReportPage
from tests.fitfeed.report.test_elements import Reader
from tests.labelled import make_source, options
from tests.notebooks import run_cells
from tests.without_beam import convert


@pytest.fixture
def dataset(gray: Path) -> Dataset:
    return open_dataset(gray)


def test_the_line_says_what_it_is(dataset: Dataset, gray: Path) -> None:
    assert repr(dataset) == f"<Dataset {gray}: train 12; label:class, 2 classes; uint8 any size x 1>"


def test_the_line_is_one_and_short(dataset: Dataset, gray: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    split = dataset.splits["train"]
    many = dataset.manifest.model_copy(update={"splits": {f"fold{number}": split for number in range(30)}})
    monkeypatch.setattr(dataset, "manifest", many)
    assert "fold7 12, and 22 splits more;" in repr(dataset)
    monkeypatch.setattr(Dataset, "address", "a\nb\x1b[31m")
    assert "\n" not in repr(dataset)
    assert "\x1b" not in repr(dataset)


def test_a_notebook_shows_splits_classes_size_and_statistics(dataset: Dataset, gray: Path) -> None:
    shown = dataset._repr_html_()
    texts = Reader(shown).texts
    statistics = dataset.manifest.statistics
    for text in (str(gray), "train", "12", "Classes: 2: 0 class 0, 1 class 1", f"{statistics.mean[0]:.3f}"):
        assert text in texts
    assert f"{statistics.std[0]:.3f}" in texts
    assert any("uint8, of any size, 1 channels" in text for text in texts)


def test_names_are_text_in_a_notebook(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    (tmp_path / "source" / hostile).mkdir(parents=True)
    Image.effect_noise((20, 20), 50).save(tmp_path / "source" / hostile / "0.png")
    convert(tmp_path / "source", tmp_path / "out")
    read = Reader(open_dataset(tmp_path / "out")._repr_html_())
    assert "img" not in read.tags
    assert any(hostile in text for text in read.texts)


def test_labels_of_all_kinds_are_named(tmp_path: Path) -> None:
    make_source(tmp_path)
    convert(tmp_path / "labels.csv", tmp_path / "out", options("tfrecord"))
    dataset = open_dataset(tmp_path / "out")
    for name, kind in dataset.manifest.features.label_kinds.items():
        assert f"{name}:{kind}" in repr(dataset)
        assert f"{name} ({kind})" in dataset._repr_html_()


def test_pictures_are_drawn(dataset: Dataset) -> None:
    plain, augmented = (
        dataset.preview(count=4, tile=32),
        dataset.preview(count=1, tile=32, augment=[RandomFlip()]),
    )
    assert plain.mode == augmented.mode == "RGB"
    assert plain.width > 4 * 32
    with pytest.raises(UsageError, match=r"^count expects a number from 1\. Received: 0$"):
        dataset.preview(count=0)
    with pytest.raises(UsageError, match="no such split"):
        dataset.preview("tset")


def test_a_page_is_made_shown_and_written(dataset: Dataset, tmp_path: Path) -> None:
    page = dataset.report(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == page.html
    assert repr(page) == f"ReportPage({len(page.html.encode()):,} bytes of HTML, findings={page.findings})"
    frame = page._repr_html_()
    assert Reader(frame).tags == ["iframe"]
    assert 'sandbox=""' in frame
    with pytest.raises(NotFoundError):
        dataset.report(source=tmp_path / "nowhere")


def test_a_page_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        ReportPage("<p>", []).save(tmp_path / "nowhere" / "page.html")


def test_a_copy_shows_the_same(dataset: Dataset) -> None:
    copy = pickle.loads(pickle.dumps(dataset))  # noqa: S301 - our own
    assert copy._repr_html_() == dataset._repr_html_()


@pytest.mark.slow
def test_whoever_opens_it_by_pipelines_gets_the_same(gray: Path) -> None:
    code = f"from fitfeed.pipelines import open_dataset; print(open_dataset({str(gray)!r}).report().findings)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


@pytest.mark.slow
def test_a_kernel_shows_the_table_the_pictures_and_the_page(gray: Path, tmp_path: Path) -> None:
    outputs = run_cells(
        tmp_path,
        f"from fitfeed import open_dataset\ndataset = open_dataset({str(gray)!r})",
        "dataset",
        "dataset.preview(count=4, tile=32)",
        "dataset.report()",
    )
    (table,), (picture,), (page,) = ([one for one in shown if "data" in one] for shown in outputs[1:])
    assert Reader(table.data["text/html"]).tags[:2] == ["div", "p"]
    assert table.data["text/plain"].startswith("<Dataset ")
    with Image.open(io.BytesIO(base64.b64decode(picture.data["image/png"]))) as drawn:
        assert drawn.size == open_dataset(gray).preview(count=4, tile=32).size
    assert Reader(page.data["text/html"]).tags == ["iframe"]
    assert page.data["text/plain"].startswith("ReportPage(")


FIT = """import keras
model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(train, verbose=0, shuffle=False)"""


@pytest.mark.slow
def test_a_kernel_shows_why_a_batch_cannot_be_made(gray: Path, tmp_path: Path) -> None:
    pipeline = (
        f"train = make_pipeline({str(gray)!r}, 'train', batch_size=4, image_size=(8, 8), augment=[fussy])"
    )
    outputs = run_cells(
        tmp_path,
        "from fitfeed import make_pipeline\ndef fussy(image):\n    raise LookupError('no such colour')",
        pipeline,
        "for batch in train: pass",
        FIT,
        "import tensorflow as tf\ntf.constant([1, 2]) + tf.constant([1, 2, 3])",
        "1 / 0",
        allow_errors=True,
    )
    for shown in outputs[2:4]:
        (error,) = (one for one in shown if one.output_type == "error")
        lines = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback)).rstrip().splitlines()
        assert lines[-2] == "LookupError: no such colour"
        assert lines[-1].startswith("It was raised for example ")
        assert len(lines) < 60
    others = [one.ename for shown in outputs[4:] for one in shown if one.output_type == "error"]
    assert others == ["InvalidArgumentError", "ZeroDivisionError"]  # shown as ever
