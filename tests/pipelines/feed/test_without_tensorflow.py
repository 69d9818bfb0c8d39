"""Everything before the bar works without TensorFlow and Keras, and makes the batches of `make_pipeline`."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed import pipelines
from fitfeed.pipelines import Dataset, make_pipeline
from tests.pipelines.option_defaults import DEFAULTS

ROOT = Path(__file__).parents[3]
AFTER = (
    "tf_data",
    "device",
    "callbacks",
    "loader.grain_augmentation",
    "loader.jax_arrays",
    "loader.keras_batches",
    "loader.torch_tensors",
)
"""The rooms after the bar, and what imports other frameworks. All others must load."""

CROP: list[tuple[str, dict[str, Any]]] = [("RandomResizedCrop", {}), ("RandomFlip", {"mode": "horizontal"})]
COLOR: list[tuple[str, dict[str, Any]]] = [
    ("RandomHue", {"factor": 0.2}),
    ("RandomBrightness", {"factor": 0.2}),
]
RECIPES: dict[str, dict[str, Any]] = {
    "shuffled": {"augment": CROP + COLOR, "seed": 3},
    "one-hot": {"augment": CROP, "labels": "onehot", "label_smoothing": 0.1, "balance": "class"},
    "processes": {"augment": CROP, "processes": 1, "dtype": "bfloat16"},
    "mixed": {"augment": [*CROP, ("MixUp", {}), ("CutMix", {})]},
    "stream": {"augment": CROP, "access": "stream"},
    "masks": {"augment": [*CROP, ("RandomRotation", {"factor": 0.1})], "transforms": True},
    "skipping": {"augment": CROP, "on_error": "skip", "shard": (1, 2), "batch_size": 4},
}


def modules() -> list[str]:
    files = (path.relative_to(ROOT) for path in (ROOT / "pipelines").rglob("*.py"))
    names = (".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files)
    return sorted(
        f"fitfeed.{name}"
        for name in names
        if not name.startswith(tuple(f"pipelines.{room}" for room in AFTER))
    )


@pytest.fixture
def job(flowers: Dataset, labelled: Callable[[str], Path], tmp_path: Path) -> dict[str, Any]:
    """All recipes, with the batches that `make_pipeline` gives for them."""
    recipes = []
    for name, recipe in RECIPES.items():
        options = {
            **DEFAULTS,
            "batch_size": 6,
            "image_size": (16, 20),
            "output": "dict",
            "processes": 0,
            **recipe,
        }
        dataset = labelled("tfrecord") if name == "masks" else flowers.path
        expected, (epoch, step) = tmp_path / f"{name}.npz", (1, 2)
        augment = [getattr(pipelines, op)(**arguments) for op, arguments in options["augment"]]
        given = {**options, "augment": augment, "start": (epoch, step)}
        batch = next(iter(make_pipeline(dataset, "train", **given)))
        arrays = {key: tensor.numpy() for key, tensor in batch.items()}
        if arrays["image"].dtype.name == "bfloat16":
            arrays["image"] = arrays["image"].view(np.uint16)
        np.savez(expected, **arrays)
        recipes.append({
            "name": name, "dataset": str(dataset), "augment": options.pop("augment"), "options": options,
            "expected": str(expected), "place": (epoch, step),
        })  # fmt: skip
    return {"modules": modules(), "recipes": recipes}


@pytest.mark.slow
def test_batches_are_those_of_make_pipeline(job: dict[str, Any]) -> None:
    program = Path(__file__).with_name("numpy_only.py")
    result = subprocess.run(
        [sys.executable, str(program), json.dumps(job)],
        cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["compared", str(len(RECIPES))]


def test_the_rooms_before_the_bar_are_all_that_are_not_behind_it() -> None:
    names = modules()
    for room in ("arrays", "order", "reading", "augment", "batches", "feed", "loader", "dataset", "options"):
        assert any(name.startswith(f"fitfeed.pipelines.{room}") for name in names)
