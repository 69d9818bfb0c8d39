"""Without TensorFlow and Keras, what needs them says so in one line; all else works."""

import importlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

import fitfeed
import fitfeed.pipelines
from fitfeed.pipelines import Dataset
from fitfeed.pipelines.needed_package import check_installed, load_package
from fitfeed.schemas.errors import MissingPackageError
from tests.programs import run_program

PROGRAM = """
import inspect, sys

class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "torch", "jax", "grain"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refusal())
import fitfeed
from fitfeed.cli import main

path = sys.argv[1]
dataset = fitfeed.open_dataset(path)
loader = fitfeed.make_loader(dataset, "train", batch_size=8, image_size=(16, 20))
print(len(list(loader)), "batches")
print(len({*fitfeed.pipelines.__all__} & {*dict(inspect.getmembers(fitfeed.pipelines))}), "names")
for ask in (
    lambda: fitfeed.make_pipeline(path, "train", batch_size=8, image_size=(16, 20)),
    lambda: dataset.normalization("zscore"),
    lambda: fitfeed.DeviceAugmentation,
    lambda: fitfeed.ResumeTraining,
    lambda: loader.torch(),
    lambda: loader.jax(),
    lambda: loader.keras(),
    lambda: fitfeed.TorchExamples(path, "train"),
    lambda: fitfeed.GrainAugmentation,
):
    try:
        ask()
    except ImportError as error:
        print(error)
print(main(["bench", path]), main(["bench", path, "--model", "resnet50"]))
"""


@pytest.mark.slow
def test_each_says_in_a_line_what_it_needs(flowers: Dataset) -> None:
    said = run_program(f"import sys\nsys.stderr = sys.stdout\n{PROGRAM}", flowers.path).splitlines()
    extra = "Run: pip install 'fitfeed[tensorflow]'."
    keras = "needs Keras, which is not installed. Run: pip install keras. Without TensorFlow, also set KERAS_BACKEND to jax or torch."
    bench = f"fitfeed bench: this command needs TensorFlow, which is not installed. {extra}"
    assert said == [
        "6 batches",
        f"{len(fitfeed.pipelines.__all__) - 3} names",
        f"make_pipeline needs TensorFlow, which is not installed. {extra} Or use make_loader: the same batches as NumPy arrays, for PyTorch, JAX and Keras.",
        f"Dataset.normalization {keras}",
        f"DeviceAugmentation {keras}",
        f"ResumeTraining {keras}",
        "Loader.torch needs PyTorch, which is not installed. Run: pip install torch.",
        "Loader.jax needs JAX, which is not installed. Run: pip install jax.",
        f"Loader.keras {keras}",
        "TorchExamples needs PyTorch, which is not installed. Run: pip install torch.",
        "GrainAugmentation needs Grain, which is not installed. Run: pip install grain.",
        bench,
        bench,
        "2 2",
    ]


def failing(monkeypatch: pytest.MonkeyPatch, error: ImportError) -> None:
    def fail(name: str) -> Any:
        raise error

    monkeypatch.setattr(importlib, "import_module", fail)


def test_what_is_there_and_does_not_load_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow"))
    with pytest.raises(
        MissingPackageError, match=r"needs Keras, which does not load \(No module named 'tens"
    ):
        load_package("keras", by="a test")
    with pytest.raises(MissingPackageError, match="needs TensorFlow, which is not installed"):
        load_package("tensorflow", by="a test")
    failing(monkeypatch, ImportError("libcuda is not there"))
    with pytest.raises(MissingPackageError, match=r"which does not load \(libcuda is not there\)"):
        load_package("tensorflow", by="a test")


def test_what_is_installed_is_not_complained_about() -> None:
    load_package("keras", by="a test")
    check_installed("tensorflow", by="a test")


def test_the_base_has_neither_and_the_extra_has_both() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    base, extra = project["dependencies"], project["optional-dependencies"]["tensorflow"]
    assert [each for each in base if each.startswith(("tensorflow", "keras", "torch", "jax"))] == []
    assert sorted(each.partition(">")[0] for each in extra) == ["keras", "tensorflow"]


def test_names_of_missing_packages_are_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for each name of a list would get their error."""
    monkeypatch.setattr("fitfeed.pipelines.needed_package.find_spec", lambda name: name != "grain" or None)
    for module in (fitfeed, fitfeed.pipelines):
        assert {*module.__all__} - {*dir(module)} == {"GrainAugmentation"}
