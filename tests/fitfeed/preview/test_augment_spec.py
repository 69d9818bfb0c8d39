"""The augmentations that a command line can name."""

import pytest

from fitfeed.pipelines import (
    CutMix,
    RandAugment,
    RandomErasing,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
)
from fitfeed.preview.augment_spec import parse_augment
from fitfeed.schemas.errors import UsageError


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("RandomFlip()", [RandomFlip()]),
        ("RandomFlip('horizontal'), RandomRotation(0.1)", [RandomFlip("horizontal"), RandomRotation(0.1)]),
        (" [RandomRotation((-0.1, +0.2), fill_mode='wrap'),\n CutMix()] ", [RandomRotation((-0.1, 0.2), "wrap"), CutMix()]),
        ("RandomResizedCrop(scale=(0.3, 1)),", [RandomResizedCrop(scale=(0.3, 1))]),
        ("RandomErasing(1.0, fill_value=None)", [RandomErasing(1.0)]),
        ("RandAugment(num_ops=1)", [RandAugment(num_ops=1)]),
    ],
)  # fmt: skip
def test_calls_with_literals_are_what_python_would_make(spec: str, expected: list[object]) -> None:
    assert parse_augment(spec) == expected


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "not a list of Python calls"),
        ("[]", "nothing in the list"),
        ("RandomFlip(", r"not a list of Python calls .* Received: --augment 'RandomFlip\('"),
        ("x = 1", "not a list of Python calls"),
        ("RandomFlip(); RandomFlip()", "not a list of Python calls"),
        ("\0", "not a list of Python calls"),
        ("(" * 5000, "not a list of Python calls"),
        ("RandomFlip", r"Received: RandomFlip. Did you mean RandomFlip\(\)\?"),
        ("RandomFlip(), 3", r"calls of augmentations only. Received: 3\."),
        ("lambda image: image", "calls of augmentations only. Received: lambda image: image"),
        ("RandomFlop()", r"no such augmentation. Received: RandomFlop. Did you mean RandomFlip\?"),
        ("xyzzy()", "no such augmentation. Received: xyzzy. It has: AugMix, AutoContrast"),
        ("open('x', 'w')", "no such augmentation. Received: open"),
        ("make_pipeline('flowers', 'train')", "no such augmentation. Received: make_pipeline"),
        ("Augmentation()", "no such augmentation. Received: Augmentation"),
        ("pipelines.RandomFlip()", "no such augmentation. Received: pipelines.RandomFlip"),
        ("RandomFlip.__class__()", "no such augmentation. Received: RandomFlip.__class__"),
        ("RandomFlip()()", r"no such augmentation. Received: RandomFlip\(\)"),
        ("RandomRotation(open('x', 'w'))", r"literal arguments only.* Received: open\('x', 'w'\), in RandomRotation"),
        ("RandomRotation(factor=0.1 * 2)", r"literal arguments only.* Received: 0.1 \* 2"),
        ("RandomRotation(**{'factor': 1})", "literal arguments only.*by its name"),
        ("RandomRotation(*[0.1])", r"literal arguments only.* Received: \*\[0.1\]"),
        ("RandomRotation()", r"missing 1 required positional argument: 'factor'. Received: RandomRotation\(\)"),
        ("RandomFlip('horizontal', 1, 2)", r"takes from 1 to 2 positional arguments.* Received: RandomFlip\("),
        ("RandomFlip('sideways')", "RandomFlip expects mode to be one of.*Received: mode='sideways'"),
        ("RandomFlip(seed=1)", "RandomFlip has no argument seed"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_naming_the_part(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_augment(spec)
    assert len(str(caught.value).splitlines()) == 1
