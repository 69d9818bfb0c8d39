"""What functions of the user take is found out, and whether they hold the interpreter lock."""

import sys
import time
from typing import Any

import cv2
import numpy as np
import pytest

from fitfeed.pipelines import MixUp, RandomCrop, RandomFlip, RandomGaussianBlur
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.feed import function_times
from fitfeed.pipelines.feed.function_times import OWN_LOCK_S, operation_name, operation_names, with_functions
from fitfeed.pipelines.stages.stage_times import StageTimes
from fitfeed.schemas.payload import Pixels

TIMES = StageTimes.of(read=4e-6, decode=269e-6, augment=20e-3, normalize=30e-6)

LARGE: list[Pixels] = [np.zeros((700, 700, 3), np.uint8)]


def spin(image: Pixels) -> Pixels:
    began = time.thread_time()
    while time.thread_time() - began < 4e-3:
        pass
    return image


def blur(image: Pixels) -> Pixels:
    return np.asarray(cv2.GaussianBlur(image, (31, 31), 9), np.uint8)


def measured(*augment: object, images: list[Pixels] = LARGE, **options: object) -> StageTimes:
    size: tuple[int, int] | None = options.get("image_size")  # type: ignore[assignment]
    return with_functions(TIMES, augment, images, image_size=size)


def test_python_holds_the_lock_and_opencv_does_not() -> None:
    """However busy the machine is: shares of CPU time do not matter."""
    (python,) = measured(spin).functions
    assert python.name == "spin"
    assert python.cpu_s == pytest.approx(4e-3, rel=0.2)
    assert python.lock_s > 0.8 * python.cpu_s
    (opencv,) = measured(blur).functions
    assert opencv.lock_s < 0.4 * opencv.cpu_s


def test_what_functions_hold_is_added_to_what_we_hold() -> None:
    assert measured(RandomFlip()).functions == ()
    assert measured(RandomFlip()).lock_s == OWN_LOCK_S
    times = measured(RandomFlip(), spin, MixUp(0.2))
    assert times.lock_s == pytest.approx(OWN_LOCK_S + times.functions[0].lock_s)
    assert times["augment"] == TIMES["augment"], "a function is a part of the stage"


def test_who_only_reads_holds_no_lock() -> None:
    copying = StageTimes.of(read=15e-6, augment=1e-6)
    assert with_functions(copying, [], LARGE, image_size=None).lock_s == 1e-6


def test_functions_get_images_as_in_the_pipeline() -> None:
    seen = set[tuple[int, ...]]()

    def see(image: Pixels) -> Pixels:
        seen.add(image.shape)
        return image

    measured(RandomCrop(32, 48), see, RandomFlip())
    assert seen == {(32, 48, 3)}
    seen.clear()
    measured(see, image_size=(64, 64))
    assert seen == {(700, 700, 3)}, "images are resized after it"


def test_an_image_that_cannot_be_augmented_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    render, seen = Program.render, list[int]()

    def fail(program: Program, pixels: Pixels, *arguments: Any, **named: Any) -> Any:
        if not pixels.any():
            raise IndexError
        return render(program, pixels, *arguments, **named)

    def see(image: Pixels) -> Pixels:
        seen.append(int(image.min()))
        return image

    monkeypatch.setattr(Program, "render", fail)
    dark, bright = np.zeros((8, 8, 3), np.uint8), np.ones((8, 8, 3), np.uint8)
    assert [each.name for each in measured(RandomFlip(), see, images=[dark, bright]).functions] == ["see"]
    assert set(seen) == {1}
    assert measured(RandomFlip(), see, images=[dark]).functions == ()


def test_copies_of_large_images_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list[int]()

    def count(image: Pixels) -> Pixels:
        calls.append(0)
        return image

    monkeypatch.setattr(function_times, "MAX_BYTES", 4 * LARGE[0].nbytes)
    measured(count)
    assert len(calls) == 4
    calls.clear()
    monkeypatch.setattr(function_times, "MAX_BYTES", 1)
    measured(count)
    assert len(calls) == 2, "one that is not counted, and one that is"


def test_the_interval_of_the_process_is_given_back() -> None:
    def fail(_image: Pixels) -> Pixels:
        raise LookupError

    before = sys.getswitchinterval()
    with pytest.raises(LookupError):
        measured(fail)
    assert sys.getswitchinterval() == before
    assert not function_times._MEASURING.locked()


def test_names_are_those_of_the_user() -> None:
    class Darker:
        def __call__(self, image: Pixels) -> Pixels:
            return image

    assert operation_name(blur) == "blur"
    assert operation_name(Darker()) == "Darker"
    assert operation_name(RandomGaussianBlur()).startswith("RandomGaussianBlur(")


def test_functions_of_the_same_name_are_told_apart() -> None:
    fast, slow = (lambda image: image), (lambda image: spin(image))
    assert operation_names([fast, blur, slow]) == ["<lambda> (augment[0])", "blur", "<lambda> (augment[2])"]
    times = measured(fast, RandomFlip(), slow)
    assert [each.name for each in times.functions] == ["<lambda> (augment[0])", "<lambda> (augment[2])"]
    rest = times.without_function("<lambda> (augment[2])")
    assert [each.name for each in rest.functions] == ["<lambda> (augment[0])"]
    assert rest["augment"].cpu_s < times["augment"].cpu_s - 3e-3
