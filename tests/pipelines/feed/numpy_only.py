"""Makes batches with `make_loader` in a process in which TensorFlow and Keras cannot be imported.

It is run by `test_without_tensorflow.py` with a JSON document: modules to load, and recipes. Each recipe is a
dataset's folder, options of `make_pipeline`, and a file with the arrays of the batch that it gives.
"""

import importlib
import importlib.abc
import json
import sys
from typing import Any

import numpy as np

REFUSED = ("tensorflow", "keras")


class Refusal(importlib.abc.MetaPathFinder):
    """Refuses frameworks by name, also where an ImportError would be forgiven."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        if fullname.partition(".")[0] in REFUSED:
            msg = f"{fullname} was imported before the bar"
            raise RuntimeError(msg)


def main(job: dict[str, Any]) -> None:
    sys.meta_path.insert(0, Refusal())
    for name in job["modules"]:
        importlib.import_module(name)
    for recipe in job["recipes"]:
        compare(recipe)
    loaded = [name for name in sys.modules if name.partition(".")[0] in REFUSED]
    if loaded:
        sys.exit(f"loaded: {loaded}")
    print("compared", len(job["recipes"]))  # noqa: T201 - the parent reads it


def compare(recipe: dict[str, Any]) -> None:
    """Makes a batch, and compares every array of it."""
    from fitfeed import pipelines

    augment = [getattr(pipelines, name)(**arguments) for name, arguments in recipe["augment"]]
    options = {**recipe["options"], "augment": augment, "start": recipe["place"]}
    batch = next(iter(pipelines.make_loader(recipe["dataset"], "train", **options)))
    expected = np.load(recipe["expected"], allow_pickle=True)  # of this test's own parent
    if list(batch) != expected.files:
        sys.exit(f"{recipe['name']}: {list(batch)} instead of {expected.files}")
    for name, array in batch.items():
        same = array.view(np.uint16) if array.dtype.name == "bfloat16" else array
        if same.dtype == object:
            same = np.array([text.encode() for text in same], object)
        if same.dtype != expected[name].dtype or not np.array_equal(same, expected[name]):
            sys.exit(f"{recipe['name']}: {name} differs")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
