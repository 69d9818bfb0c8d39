"""What each stage of feeding takes for one image."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

Stage = Literal["read", "decode", "augment", "normalize", "batch", "hand-over"]
"""The way of an image. read: its stored bytes. decode: to pixels, with the check of the bytes. augment: all that is drawn,
cropped, resized and changed. normalize: to floats. batch: order, labels and mixing, for all images of a batch at once.
hand-over: what TensorFlow adds to it."""

STAGES: tuple[Stage, ...] = get_args(Stage)

OF_WORKERS: tuple[Stage, ...] = ("read", "decode", "augment", "normalize")
"""Stages that threads or worker processes do, image by image. The others are done once for a batch, by the main process."""

WORDS: Mapping[Stage, str] = {
    "read": "reading",
    "decode": "decoding",
    "augment": "augmentation",
    "normalize": "normalizing",
    "batch": "making batches",
    "hand-over": "the hand-over to TensorFlow",
}
"""The stages in a sentence."""


@dataclass(frozen=True, kw_only=True)
class StageTime:
    """What one stage takes for an image.

    Attributes:
        cpu_s: Seconds of CPU time of one thread.
        wait_s: Seconds in which that thread waits for a disk or a store, besides.
        floor_s: The least CPU time that this machine needs for the same; None if nobody has measured it.
    """

    cpu_s: float
    wait_s: float = 0.0
    floor_s: float | None = None

    @property
    def seconds(self) -> float:
        """How long it occupies a worker."""
        return self.cpu_s + self.wait_s

    @property
    def of_floor(self) -> float | None:
        """The floor as a share of the CPU time: 1 is as fast as this machine can."""
        return None if self.floor_s is None or self.cpu_s <= 0 else self.floor_s / self.cpu_s


@dataclass(frozen=True, kw_only=True)
class FunctionTime:
    """What a function of the user in `augment` takes for an image. It is a part of the stage.

    Attributes:
        name: As the user calls it.
        cpu_s: Seconds of CPU time.
        lock_s: Seconds of them that hold the interpreter lock.
    """

    name: str
    cpu_s: float
    lock_s: float


@dataclass(frozen=True, kw_only=True)
class StageTimes:
    """What all stages take for an image.

    Attributes:
        stages: Of each stage that there is; one that is missing takes no time.
        lock_s: Seconds of `cpu_s` that hold the interpreter lock, in the stages of workers. Only threads share it.
        functions: Functions of the user. What they hold the lock for is in `lock_s`.
        max_read_rate: Images per second that disk or store deliver at most, to any number of workers; None: no limit is known.
        copied_bytes: Bytes of an image that are written to memory outside the processor's cache.
    """

    stages: Mapping[Stage, StageTime]
    lock_s: float = 0.0
    functions: tuple[FunctionTime, ...] = ()
    max_read_rate: float | None = None
    copied_bytes: float = 0.0

    @classmethod
    def of(cls, *, lock_s: float = 0.0, max_read_rate: float | None = None, **cpu_s: float) -> Self:
        """Makes times without waiting: `StageTimes.of(decode=270e-6, hand_over=5e-6)`."""
        stages = {stage: StageTime(cpu_s=cpu_s.pop(stage.replace("-", "_"), 0.0)) for stage in STAGES}
        if cpu_s:
            msg = f"there are no such stages: {', '.join(cpu_s)}. There are: {', '.join(STAGES)}."
            raise TypeError(msg)
        return cls(stages=stages, lock_s=lock_s, max_read_rate=max_read_rate)

    def __getitem__(self, stage: Stage) -> StageTime:
        """Returns what a stage takes."""
        return self.stages.get(stage, StageTime(cpu_s=0.0))

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all stages."""
        return sum(self[stage].cpu_s for stage in STAGES)

    @property
    def worker_s(self) -> float:
        """Seconds that an image occupies a worker."""
        return sum(self[stage].seconds for stage in OF_WORKERS)

    @property
    def main_cpu_s(self) -> float:
        """CPU seconds of the main process, which workers do not share."""
        return sum(self[stage].cpu_s for stage in STAGES if stage not in OF_WORKERS)

    @property
    def floor_s(self) -> float | None:
        """The least CPU time of all stages, as far as it is known."""
        known = [floor for stage in STAGES if (floor := self[stage].floor_s) is not None]
        return sum(known) if known else None

    @property
    def slowest(self) -> Stage:
        """The stage that takes longest, waiting included."""
        return max(STAGES, key=lambda stage: self[stage].seconds)

    @property
    def most_cpu(self) -> Stage:
        """The stage that takes the most CPU time."""
        return max(STAGES, key=lambda stage: self[stage].cpu_s)

    def with_stage(self, stage: Stage, **changed: float | None) -> Self:
        """Returns the same with other times of one stage."""
        time: Any = dataclasses.replace(self[stage], **changed)  # type: ignore[arg-type]
        return dataclasses.replace(self, stages={**self.stages, stage: time})

    def without_function(self, name: str) -> Self:
        """Returns the same without a function of the user."""
        gone = [each for each in self.functions if each.name == name]
        rest = tuple(each for each in self.functions if each.name != name)
        lock_s = max(0.0, self.lock_s - sum(each.lock_s for each in gone))
        cpu_s = max(0.0, self["augment"].cpu_s - sum(each.cpu_s for each in gone))
        return dataclasses.replace(self, functions=rest, lock_s=lock_s).with_stage("augment", cpu_s=cpu_s)
