"""What is printed."""

from typing import Any

import pytest

from fitfeed.estimate.estimate_text import duration, estimate_json, estimate_lines
from fitfeed.estimate.start import USUAL
from tests.fitfeed.estimate.estimates import made_estimate


def test_the_table_has_each_way() -> None:
    lines = estimate_lines(made_estimate(), "my photos", need=2000)
    assert lines == [
        "my photos: 40,000 images, 4.7 GiB; measured on 94 of them, with 2 CPUs",
        "images/s: batches of 224 x 224, float32; in brackets the range of nine in ten samples",
        "",
        "options                    size      on disk    conversion  images/s                                   PSNR     SSIM",
        "(none)                     as it is  4.7 GiB    60 s        900       [855 to 945]                     -        -",
        "--size 256                 256       953.7 MiB  60 s        2,500     [2,375 to 2,625]                 39.5 dB  0.981",
        "--size 256 --encoding png  256       5.6 GiB    2.5 h       700       [665 to 735]                     -        -",
        "--size 256 --encoding raw  256       18.6 GiB   20 min      6,000     [5,700 to 6,300], from the disk  -        -",
        "",
        "3 of 96 files cannot be read or converted. `fitfeed convert` says why, and takes the others with --max-bad 4% or more.",
        "For 2,000 images/s, the fewest bytes that do: fitfeed convert 'my photos' DATASET --size 256",
    ]


def test_files_that_can_stay_stay() -> None:
    last = estimate_lines(made_estimate(), "photos", need=100)[-1]
    assert last == "For 100 images/s, the files can stay as they are: fitfeed convert photos DATASET"


def test_what_would_be_needed_is_said() -> None:
    lines = estimate_lines(made_estimate(), "photos", need=9000)
    assert lines[-2:] == [
        "No way surely reaches 9,000 images/s on this machine. Fastest: fitfeed convert photos DATASET --size 256 --encoding raw",
        "  it would with: 1 more CPU",
    ]


def test_a_busy_machine_is_said() -> None:
    assert any(
        "Other programs were busy (0.9" in line
        for line in estimate_lines(made_estimate(load=0.9), "a", need=None)
    )


def test_a_start_that_was_not_measured_is_said() -> None:
    said = "could not be measured: converting one tiny picture failed. The table counts 1.7 s for it."
    assert any(line.endswith(said) for line in estimate_lines(made_estimate(start=USUAL), "a", need=None))
    assert not any("measured:" in line for line in estimate_lines(made_estimate(), "a", need=None))
    document = estimate_json(made_estimate(start=USUAL), "a", need=None)
    assert (document["conversion_start_seconds"], document["conversion_start_measured"]) == (1.7, False)
    assert estimate_json(made_estimate(), "a", need=None)["conversion_start_measured"] is True


def test_without_a_need_the_fastest_is_named() -> None:
    assert "Fastest: fitfeed convert a DATASET --size 256 --encoding raw" in estimate_lines(
        made_estimate(), "a", need=None
    )


def test_json_has_all() -> None:
    document = estimate_json(made_estimate(), "photos", need=2000)
    assert document["need"] == {"images_per_second": 2000, "recommended": 1, "missing": []}
    ways: Any = document["ways"]
    assert ways[1] == {
        "encoding": "jpeg",
        "size": 256,
        "options": "--size 256",
        "bytes": {"value": 1e9, "low": 0.95e9, "high": 1.05e9},
        "conversion_seconds": {"value": 60.0, "low": 57.0, "high": 63.0},
        "images_per_second": {"value": 2500, "low": 2375, "high": 2625},
        "fits_in_memory": True,
        "psnr": 39.51,
        "ssim": 0.981,
    }
    assert (document["fastest"], document["rejected"], document["unreadable"]) == (3, 1, 2)
    hopeless = estimate_json(made_estimate(), "photos", need=9000)["need"]
    assert hopeless == {"images_per_second": 9000, "recommended": None, "missing": ["1 more CPU"]}
    assert estimate_json(made_estimate(), "photos", need=None)["need"] is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.4, "3 s"), (99.4, "99 s"), (100, "2 min"), (5900, "98 min"), (9000, "2.5 h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
