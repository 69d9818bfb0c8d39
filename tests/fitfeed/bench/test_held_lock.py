"""Who holds the interpreter lock is found out."""

import time

import cv2
import numpy as np

from fitfeed.bench.held_lock import OWN_LOCK_S, lock_s
from fitfeed.pipelines import RandomFlip
from fitfeed.schemas.payload import Pixels


def test_python_holds_the_lock_and_opencv_does_not() -> None:
    large = [np.zeros((700, 700, 3), np.uint8)]

    def python(image: Pixels) -> Pixels:
        began = time.thread_time()
        while time.thread_time() - began < 2e-3:
            pass
        return image

    def blur(image: Pixels) -> Pixels:
        return np.asarray(cv2.GaussianBlur(image, (31, 31), 9), np.uint8)

    assert lock_s([RandomFlip()], large) == OWN_LOCK_S
    assert lock_s([python], large) > 1.5e-3
    began = time.thread_time()
    blur(large[0])
    assert lock_s([blur], large) < OWN_LOCK_S + 0.7 * (time.thread_time() - began)
