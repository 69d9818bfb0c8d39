"""Changes are tried on real images."""

from fitfeed.bench.alternatives import measured_changes
from fitfeed.bench.floors import Sample
from fitfeed.bench.plan import BenchPlan, make_plan, stored_images
from fitfeed.pipelines import Dataset, RandomFlip, RandomGaussianBlur
from fitfeed.pipelines.stages.stage_times import StageTimes
from fitfeed.schemas.payload import Pixels

TIMES = StageTimes.of(read=1e-5, decode=1e-3, augment=1e-4)


def test_changes_are_tried(photos: Dataset) -> None:
    plan = make_plan(
        photos,
        image_size=(64, 64),
        augment=[RandomFlip(), RandomGaussianBlur(kernel_size=31, sigma=(0.9, 1))],
    )
    sample = Sample(photos.records("train"), 4)
    images = stored_images(photos, plan)
    done: list[None] = []
    measured, slowest = measured_changes(
        TIMES, sample, plan, images, channels=3, progress=lambda: done.append(None)
    )
    assert set(measured) == {"size", "encoding", "operations"}
    assert measured["size"]["decode"].cpu_s < measured["encoding"]["decode"].cpu_s < TIMES["decode"].cpu_s
    assert measured["operations"]["augment"].cpu_s < TIMES["augment"].cpu_s
    assert slowest is not None
    assert slowest.startswith("RandomGaussianBlur")
    assert len(done) == 4


def test_own_functions_have_names(photos: Dataset) -> None:
    def slow(image: Pixels) -> Pixels:
        return image

    plan = BenchPlan(split="train", batch_size=4, image_size=(64, 64), augment=[slow])
    sample = Sample(photos.records("train"), 2)
    _, slowest = measured_changes(TIMES, sample, plan, stored_images(photos, plan), channels=3)
    assert slowest == "slow"
