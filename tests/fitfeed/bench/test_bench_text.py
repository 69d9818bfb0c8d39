"""What people and scripts are told."""

import dataclasses
import json

import pytest

from fitfeed.bench.bench_text import bench_json, bench_lines, stage_rate
from fitfeed.bench.model_step import ModelSpeed
from fitfeed.pipelines.stages.stage_times import STAGES
from tests.fitfeed.bench.results import TIMES, made_result


def said(**given: object) -> str:
    return "\n".join(bench_lines(made_result(**given), "flowers"))  # type: ignore[arg-type]


def test_the_table_has_each_stage_and_the_whole() -> None:
    lines = bench_lines(made_result(), "flowers")
    assert (
        lines[0]
        == "flowers, split train: batches of 32, 224 x 224 pixels, float32, made by 2 worker processes on 2 CPUs"
    )
    rows = lines[2 : lines.index("", 2)]
    assert [row.split()[0] for row in rows] == ["stage", *STAGES, "whole"]
    assert rows[2].split() == ["decode", "4,040", "495.0", "450.0", "0.91"]
    assert rows[-1].split() == ["whole", "2,600", "710.0", "550.0", "0.72"]
    assert len({row.index(row.split()[3]) + len(row.split()[3]) for row in rows[2:4]}) == 1, (
        "columns are aligned"
    )


def test_the_verdict_and_the_one_change_follow() -> None:
    text = said()
    assert "Decoding limits at 2,600 images/s.\n" in text
    assert "What would help most: convert with `--size 256`: " in text
    assert "(calculated)" in text
    assert "The disk delivers 9,000 images/s in the first epoch; later ones find them in memory." in text
    assert "busy" not in text


def test_a_disk_that_is_needed_in_each_epoch_is_said() -> None:
    assert "later ones too, as memory cannot hold the split" in said(is_cached=False)


def test_a_busy_machine_is_said_first() -> None:
    lines = bench_lines(made_result(load=3.2), "flowers")
    assert lines[lines.index("", 2) + 1].startswith("Other programs were busy (3.2 for each CPU)")


def test_a_model_that_is_faster_waits_and_the_ways_out_are_named() -> None:
    text = said(model=ModelSpeed("resnet50", 5200.0, 32 / 5200, "GPU"))
    assert (
        "resnet50 takes 5,200 images/s on the GPU (6 ms a step): fit will wait for images 50% of the time."
        in text
    )
    assert "What would end that: 2 more CPUs." in text


def test_a_model_that_is_slower_does_not_wait() -> None:
    text = said(model=ModelSpeed("resnet50", 400.0, 0.08, "GPU"))
    assert "The model limits" in text
    assert "fit will not wait for images." in text
    assert "\nNothing about the data would help: only a smaller model, or a faster device for it.\n" in text
    assert "What would" not in text


@pytest.mark.parametrize(
    ("takes", "limit", "said_of_it"),
    [
        (
            26.0,
            "consumer",
            "The model limits: it takes 26 images/s, and feeding makes 2,600.\nNothing about the data",
        ),
        (
            2500.0,
            "consumer",
            "The model limits: it takes 2,500 images/s, and feeding makes 2,600.\nWhat would help most: convert with",
        ),
        (
            2900.0,
            "decode",
            "Decoding limits at 2,600 images/s.\nWhat would help most: convert with `--size 256`: ",
        ),
    ],
)
def test_a_model_on_the_cpu_shares_it_and_does_not_wait(takes: float, limit: str, said_of_it: str) -> None:
    """What takes more of each image limits, and what makes images cheaper helps both, if it is not next to nothing."""
    model = ModelSpeed("resnet50", takes, 32 / takes, "CPU")
    text, document = said(model=model), bench_json(made_result(model=model), "flowers")
    assert said_of_it in text
    assert ("images/s with resnet50, 1." in text) == (takes > 26)
    both = 1 / (1 / takes + 1 / 2600)
    assert text.endswith(f"shares the CPUs with feeding, so fit will make about {both:,.0f} images/s.")
    assert document["limit"] == limit
    assert isinstance(document["model"], dict)
    assert (document["model"]["waiting"], document["model"]["fit_waits"]) == (None, None)


def test_a_need_is_answered() -> None:
    assert "1,000 images/s: this machine makes them as it is." in said(need=1000.0)
    assert "3,400 images/s need: convert with `--size 256`; or 1 more CPU." in said(need=3400.0)
    assert "9,999 images/s: nothing that is known reaches them." in said(need=9999.0, ways=[])


def test_a_need_beside_a_model_on_the_cpu_is_answered_by_what_both_make() -> None:
    model = ModelSpeed("resnet50", 2600.0, 32 / 2600, "CPU")
    text = said(model=model, need=2000.0)
    assert "so fit will make about 1,300 images/s." in text
    assert "2,000 images/s with resnet50 need: 2 more CPUs." in text
    assert "1,200 images/s with resnet50: this machine makes them as it is." in said(model=model, need=1200.0)
    assert "2,000 images/s: this machine makes them" in said(model=model._replace(on="GPU"), need=2000.0)


def test_scripts_get_all_of_it() -> None:
    model = ModelSpeed("resnet50", 5200.0, 0.006, "GPU")
    document = json.loads(json.dumps(bench_json(made_result(model=model, need=3400.0), "flowers")))
    assert list(document["stages"]) == list(STAGES)
    assert document["stages"]["decode"]["of_floor"] == 450 / 495
    assert document["whole"]["images_per_second"] == 2600
    assert (document["limit"], document["slowest_stage"]) == ("decode", "decode")
    assert document["changes"][0]["kind"] == "size"
    assert document["model"]["waiting"] == 0.5
    assert document["model"]["fit_waits"] is True
    assert document["need"]["ways"] == made_result(model=model, need=3400.0).ways


def test_a_stage_that_takes_no_time_has_no_rate() -> None:
    result = made_result()
    raw = dataclasses.replace(result, times=TIMES.with_stage("decode", cpu_s=0.0, floor_s=None))
    assert stage_rate(raw, "decode") is None
    assert bench_lines(raw, "flowers")[4].split() == ["decode", "-", "-", "-", "-"]
    assert stage_rate(result, "hand-over") == 1 / 5e-6, "the main process is one"
