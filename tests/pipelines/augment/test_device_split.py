"""What runs on the CPU and what on the device."""

import re
from typing import Any

import pytest

from fitfeed.pipelines import (
    AugMix,
    CenterCrop,
    RandAugment,
    RandomBrightness,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomGaussianBlur,
    RandomResizedCrop,
    RandomRotation,
    explain,
)
from fitfeed.pipelines.augment.device_split import split
from fitfeed.schemas.errors import UsageError

CROP, FLIP, TURN, BRIGHT = RandomResizedCrop(), RandomFlip(), RandomRotation(0.1), RandomBrightness(0.1)


def function(image: Any) -> Any:
    return image


@pytest.mark.parametrize(
    ("augment", "image_size", "on_cpu"),
    [
        ([], (32, 32), 0),
        ([CROP, FLIP, TURN, BRIGHT], (32, 32), 1),
        ([FLIP, CROP, BRIGHT], (32, 32), 2),
        ([BRIGHT, CenterCrop(), TURN], None, 2),
        ([FLIP, TURN, BRIGHT], None, 0),
        # Geometry is told the size before: it means the same behind resizing.
        ([FLIP, TURN, BRIGHT, RandomErasing()], (32, 32), 0),
        ([RandomCrop(40, 40), FLIP, TURN], (32, 32), 1),
        # A blur of five pixels does not; nor do policies, which sharpen.
        ([RandomGaussianBlur(), TURN, BRIGHT], (32, 32), 1),
        ([RandomCrop(40, 40), RandAugment(), TURN, BRIGHT], (32, 32), 2),
        ([CROP, RandomGaussianBlur(), TURN], (32, 32), 1),  # of final size from the crop on
        ([TURN, RandomGaussianBlur()], (32, 32), 0),  # behind resizing anyway
        ([CROP, function, FLIP], (32, 32), 2),
        ([CROP, AugMix(), function, FLIP], (32, 32), 3),
    ],
)
def test_split(augment: list[Any], image_size: tuple[int, int] | None, on_cpu: int) -> None:
    assert split(augment, image_size) == (augment[:on_cpu], augment[on_cpu:])


def test_what_cannot_run_on_a_device_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"cannot run on a device. Received: augment\[2\]=AugMix"):
        split([CROP, FLIP, AugMix()], (32, 32))


def test_explain_tells_what_runs_where(capsys: pytest.CaptureFixture[str]) -> None:
    explain([CROP, FLIP, TURN, BRIGHT, RandomErasing()], image_size=(96, 96), augment_on="device")
    assert capsys.readouterr().out.splitlines() == [
        "on the CPU:",
        "1. one resampling: RandomResizedCrop, resizing to (96, 96)",
        "on the device:",
        "1. one resampling: RandomFlip, RandomRotation",
        "2. one color matrix: RandomBrightness",
        "3. alone: RandomErasing",
    ]
    explain([RandAugment()], augment_on="device")
    assert "each choice for all images" in capsys.readouterr().out
    explain([], augment_on="device")
    assert re.sub(r"\s", " ", capsys.readouterr().out) == "on the CPU: nothing on the device: nothing "
