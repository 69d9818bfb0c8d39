"""Each example runs as its first lines say, and reaches what they say."""

import re
import shutil
from pathlib import Path

import pytest

from fitfeed.cli import main
from tests.notebooks import printed, read_notebook, run_notebook
from tests.programs import ROOT, run_program

EXAMPLES = ROOT / "examples"
REACHED = re.compile(r"^(?:accuracy|overlap|area) (0\.\d+)$", re.MULTILINE)
NEEDS_DATASET = ("train_fit", "train_loop", "train_multi_gpu", "growing_batches")


@pytest.fixture(scope="module")
def clothing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, converted by the command that the examples begin with."""
    dataset = tmp_path_factory.mktemp("examples") / "clothing"
    assert main(["convert", str(EXAMPLES / "clothing"), str(dataset), "--size", "128", "--quiet"]) == 0
    return dataset


def stated(name: str) -> float:
    """What an example says that it ends above."""
    return stated_in(" ".join((EXAMPLES / f"{name}.py").read_text().partition('"""\n\nimport')[0].split()))


def stated_in(text: str) -> float:
    """What a text says that an example ends above."""
    found = re.search(r"ends above an? [\w ]+ of (0\.\d+)", text)
    assert found is not None, text
    return float(found[1])


def run(name: str, *arguments: object, **environment: str) -> str:
    """Runs an example; returns what it printed."""
    program = f"import runpy, sys; sys.path.insert(0, 'examples'); runpy.run_path('examples/{name}.py', run_name='__main__')"
    return run_program(program, *arguments, **environment)


def reached(output: str) -> float:
    """What an example printed last."""
    return float(REACHED.findall(output)[-1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["train_loop", "growing_batches"])
def test_a_loop_reaches_what_it_says(name: str, clothing: Path) -> None:
    assert reached(run(name, clothing)) > stated(name)


@pytest.mark.slow
def test_fit_reaches_what_it_says_and_goes_on_where_it_was(clothing: Path, tmp_path: Path) -> None:
    first = run("train_fit", clothing, "--run", tmp_path / "run")
    assert reached(first) > stated("train_fit")
    again = run("train_fit", clothing, "--run", tmp_path / "run")
    assert "Epoch 1/" not in again  # nothing is left to do


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_two_devices_reach_what_they_say(backend: str, clothing: Path) -> None:
    output = run("train_multi_gpu", clothing, KERAS_BACKEND=backend)
    assert "2 devices" in output
    assert reached(output) > stated("train_multi_gpu")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["segmentation", "multi_label"])
def test_other_labels_reach_what_they_say(name: str, tmp_path: Path) -> None:
    assert reached(run(name, tmp_path)) > stated(name)


@pytest.mark.parametrize("name", [*NEEDS_DATASET, "segmentation", "multi_label"])
def test_an_example_begins_with_the_command_that_makes_its_data(name: str) -> None:
    text = (EXAMPLES / f"{name}.py").read_text().partition('"""\n\nimport')[0]
    assert "fitfeed convert" in text
    assert f"python examples/{name}.py" in text
    assert 0 < stated(name) < 1


NOTEBOOK = EXAMPLES / "transfer_learning.ipynb"


@pytest.mark.slow
def test_the_notebook_reaches_what_it_says(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "clothing", tmp_path / "clothing")
    notebook = read_notebook(NOTEBOOK)
    run_notebook(notebook, tmp_path)
    output = "".join(printed(cell.outputs) for cell in notebook.cells if cell.cell_type == "code")
    assert reached(output) > stated_in(" ".join(cell.source for cell in notebook.cells))
    assert re.search(r"^test/shoes/\S+\.jpg: [\w-]+, and it is shoes$", output, re.MULTILINE)
    assert output.rstrip().splitlines()[-1].startswith("ReportPage(")
    assert (tmp_path / "build" / "report.html").stat().st_size > 100_000


def test_the_notebook_is_small_and_begins_with_the_command_that_makes_its_data() -> None:
    notebook = read_notebook(NOTEBOOK)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code[0].source.startswith("!fitfeed convert clothing ")
    assert "dataset.report(" in code[-1].source
    assert NOTEBOOK.stat().st_size < 12_000
    assert {output.output_type for cell in code for output in cell.outputs} == {"stream"}  # text, no pictures
    assert {output.name for cell in code for output in cell.outputs} == {"stdout"}
