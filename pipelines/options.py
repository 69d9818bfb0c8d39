"""Checks the options of `make_pipeline`, before anything is opened or started."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

import numpy as np

from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.boxes import check_transformable
from fitfeed.pipelines.augment.compiler.user_functions import ImageFunction, check_function
from fitfeed.pipelines.augment.ops.arguments import is_number
from fitfeed.pipelines.augment.ops.mixup_cutmix import split_batch
from fitfeed.pipelines.batches.normalize import NormalizeKind
from fitfeed.pipelines.batches.workers.pickling import check_importable
from fitfeed.pipelines.hosts.choose_shard import Shard, choose_shard
from fitfeed.pipelines.hosts.keras_distribution import check_shared_out_once
from fitfeed.pipelines.reading.labels import Labels as Labels
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa
    import pyarrow.compute as pc

OutputType = Literal["float32", "bfloat16", "float16", "uint8", "uint16"]
Output = Literal["tuple", "dict"]
Access = Literal["auto", "indexed", "stream"]
"""`make_pipeline` takes "auto" for "indexed"; the options know these two only."""

OnError = Literal["raise", "skip"]
Balance = Literal["class"]
Examples: TypeAlias = "Sequence[int] | npt.NDArray[np.integer[Any]] | pa.ChunkedArray | pc.Expression | None"
SamplingWeights: TypeAlias = "Sequence[float] | npt.NDArray[Any] | str | None"
AugmentOn = Literal["cpu", "device"]

DEFAULT_SHUFFLE = {"train": True, "validation": False, "test": False}
"""The splits whose name says whether they are shuffled."""

MEASURED = ("zscore", "minmax")
"""Normalizations that depend on the statistics of the pixels."""

NUMBERS = (
    "batch_size",
    "image_size",
    "shuffle",
    "seed",
    "shard",
    "start",
    "drop_remainder",
    "processes",
    "transforms",
)
"""Options that are integers, bools or pairs of them."""

MAX_PROCESSES = 16
"""Worker processes that are started by default. They make 35,000 images a second of JPEG of 256 pixels."""


@dataclass(frozen=True, kw_only=True)
class PipelineOptions:
    """The arguments of `make_pipeline`, which documents what each of them means."""

    batch_size: int
    image_size: tuple[int, int] | None
    augment: Sequence[Augmentation | ImageFunction]
    normalize: NormalizeKind | None
    dtype: OutputType
    label: str | None
    labels: Labels | None
    label_smoothing: float
    output: Output
    shuffle: bool
    statistics: str | Sequence[str] | None
    examples: Examples
    sampling_weights: SamplingWeights
    sample_weight: str | None
    seed: int
    shard: tuple[int, int]
    start: tuple[int, int]
    balance: Balance | None
    drop_remainder: bool
    access: Literal["indexed", "stream"]
    on_error: OnError
    augment_on: AugmentOn
    processes: int | None
    transforms: bool

    @classmethod
    def of_split(
        cls,
        split: str | Sequence[str],
        *,
        shuffle: bool | None,
        drop_remainder: bool | None,
        access: str,
        shard: Shard,
        **others: Any,
    ) -> Self:
        """Makes the options of a pipeline, with the defaults that depend on the split and on each other.

        Args:
            split: Name of the split, or of several.
            shuffle: None: whether this is the split "train"; only splits that are "validation" or "test"
                may have None, too.
            drop_remainder: None: whether the examples are shuffled.
            access: As for `make_pipeline`. "auto" is indexed access.
            shard: As for `make_pipeline`. "auto" asks frameworks and variables.
            **others: All others.

        Raises:
            UsageError: If an option is wrong.
        """
        if shuffle is None:
            shuffle = _default_shuffle(split)
        drop_remainder = shuffle if drop_remainder is None else drop_remainder
        kind: Any = "indexed" if access == "auto" else access
        shard = choose_shard(shard, split=split, shuffle=shuffle)
        options = cls(shuffle=shuffle, drop_remainder=drop_remainder, access=kind, shard=shard, **others)
        check_shared_out_once(options.shard)
        if not isinstance(split, str) and options.statistics is None and options.normalize in MEASURED:
            msg = (
                f"statistics must be given for several splits: those that are trained on, so that no image that is held "
                f"out counts. Received: split={list(split)}, normalize={options.normalize!r}, statistics=None. Write "
                f"statistics=[...], for evaluation too; or normalize='unit'."
            )
            raise UsageError(msg)
        return options

    def __post_init__(self) -> None:
        """Checks each option by itself. What depends on the dataset is checked where it is used.

        Raises:
            UsageError: If an option is wrong. It names the option, what was received and what is possible.
        """
        for name in NUMBERS:  # of NumPy, too
            object.__setattr__(self, name, _plain(getattr(self, name)))
        self._check(
            "batch_size", is_int(self.batch_size) and self.batch_size > 0, "a positive number of examples"
        )
        self._check(
            "image_size",
            self.image_size is None or (is_int_pair(self.image_size) and min(self.image_size) > 0),
            "(height, width), both positive, or None for images as stored",
        )
        check_augment(self.augment)
        self._check_choice("normalize", (*get_args(NormalizeKind), None))
        self._check_choice("dtype", get_args(OutputType))
        self._check(
            "label", self.label is None or isinstance(self.label, str), "the name of a label, or None for all"
        )
        self._check_choice("labels", (*get_args(Labels), None))
        self._check(
            "sample_weight",
            self.sample_weight is None or isinstance(self.sample_weight, str),
            "the name of a label, or None",
        )
        self._check(
            "label_smoothing",
            is_number(self.label_smoothing) and 0 <= self.label_smoothing <= 1,
            "a number in [0, 1]",
        )
        self._check_choice("output", get_args(Output))
        self._check_choice("access", get_args(Access))
        self._check_choice("on_error", get_args(OnError))
        self._check_choice("balance", (*get_args(Balance), None))
        self._check_choice("augment_on", get_args(AugmentOn))
        self._check_choice("shuffle", (True, False))
        self._check_choice("drop_remainder", (True, False))
        self._check_choice("transforms", (True, False))
        self._check("seed", is_int(self.seed), "an integer")
        self._check(
            "shard",
            is_int_pair(self.shard) and 0 <= self.shard[0] < self.shard[1],
            "(index, count) with 0 <= index < count, 'auto', or None",
        )
        self._check(
            "start", is_int_pair(self.start) and min(self.start) >= 0, "(epoch, step), neither negative"
        )
        self._check(
            "processes",
            self.processes is None or (is_int(self.processes) and self.processes >= 0),
            "a number of worker processes, 0 for threads, or None",
        )
        self._check_combinations()

    def _check_combinations(self) -> None:
        if self.label is not None and self.labels is None:
            msg = f"labels=None is for images without labels. Received: label={self.label!r}, labels=None. Leave out one of them."
            raise UsageError(msg)
        if self.dtype in ("uint8", "uint16") and self.normalize is not None:
            msg = (
                f"{self.dtype} cannot hold normalized values. Received: dtype={self.dtype!r}, normalize={self.normalize!r}. "
                f"Pass normalize=None, and put dataset.normalization(...) into the model."
            )
            raise UsageError(msg)
        if self.balance is not None and not self.shuffle:
            msg = "balance chooses examples at random, so it needs shuffle=True. Received: balance='class', shuffle=False."
            raise UsageError(msg)
        if self.balance is not None and self.access == "stream":
            msg = "balance chooses single examples, which stream access cannot read. Received: balance='class', access='stream'. Use access='indexed'."
            raise UsageError(msg)
        self._check_choice_of_examples()
        if self.processes and self.access == "stream":
            msg = (
                f"with access='stream' the main process reads, and shuffles what it has read; worker processes read for "
                f"themselves. Received: processes={self.processes}, access='stream'. Use access='indexed', or processes=0."
            )
            raise UsageError(msg)
        if self.processes:
            check_importable(self.augment)
        if self.transforms:
            check_transformable(self.augment, output=self.output, augment_on=self.augment_on)

    def _check_choice_of_examples(self) -> None:
        chosen = [name for name in ("examples", "sampling_weights") if getattr(self, name) is not None]
        if chosen and self.access == "stream":
            msg = f"{chosen[0]} chooses single examples, and stream access reads runs of them. Received: {chosen[0]}=..., access='stream'. Use access='indexed'."
            raise UsageError(msg)
        if self.sampling_weights is not None and not self.shuffle:
            msg = "sampling_weights draws examples at random, so it needs shuffle=True. Received: sampling_weights=..., shuffle=False."
            raise UsageError(msg)
        if self.sampling_weights is not None and self.balance is not None:
            msg = "balance and sampling_weights both say how often an example is drawn. Received: balance='class', sampling_weights=... Leave out one of them."
            raise UsageError(msg)
        mixes = [op for _, op in split_batch(self.augment)[1]]
        if self.sample_weight is not None and mixes:
            msg = f"an image that {type(mixes[0]).__name__} mixes has two sample weights, and fit takes one. Received: sample_weight={self.sample_weight!r}, augment with {type(mixes[0]).__name__}. Leave out one of them."
            raise UsageError(msg)

    @property
    def worker_processes(self) -> int:
        """How many worker processes write batches; 0: threads do. For processes=None it is decided here.

        The user's own functions stay in this process: another process may lack what they rely on.
        """
        if self.processes is not None:
            return self.processes
        ours = all(
            isinstance(op, Augmentation) and type(op).__module__.startswith("fitfeed.") for op in self.augment
        )
        cpus = available_cpus()
        if cpus == 1 or self.access == "stream" or not ours or not sys.executable:
            return 0
        return min(cpus, MAX_PROCESSES)

    def identity(self, fingerprint: str, split: str | Sequence[str]) -> dict[str, Any]:
        """Returns what decides which examples each global step has, as plain JSON.

        A run may continue another run of the same identity. With indexed access, the identity does
        not include the number of workers: a step is one global batch, however many workers share it.

        Args:
            fingerprint: Fingerprint of the dataset.
            split: Name of the split, or of several.
        """
        return {
            "dataset": fingerprint,
            "split": split if isinstance(split, str) else list(split),
            "seed": self.seed,
            "shuffle": self.shuffle,
            "balance": self.balance,
            "balanced_label": None if self.balance is None else self.label,
            "drop_remainder": self.drop_remainder,
            "global_batch": self.batch_size * self.shard[1],
            "access": self.access,
            "workers": self.shard[1] if self.access == "stream" else None,
        }

    def _check_choice(self, name: str, choices: Sequence[object]) -> None:
        value = getattr(self, name)
        valid = any(value == choice and type(value) is type(choice) for choice in choices)
        self._check(name, valid, f"one of {', '.join(map(repr, choices))}")

    def _check(self, name: str, valid: bool, expected: str) -> None:
        if not valid:
            msg = f"{name} expects {expected}. Received: {name}={getattr(self, name)!r}"
            raise UsageError(msg)


def check_augment(augment: object) -> None:
    """Refuses what is not a list of augmentations and functions, in the order that they may have.

    Args:
        augment: What the user wrote.

    Raises:
        UsageError: If it is not such a list. It names the place, and what works.
    """
    if not isinstance(augment, list | tuple):
        msg = f"augment expects a list, such as augment=[RandomFlip('horizontal')]. Received: augment={augment!r}"
        raise UsageError(msg)
    items: Sequence[object] = augment
    for place, op in enumerate(items):
        if isinstance(op, type) or not (isinstance(op, Augmentation) or callable(op)):
            hint = f" Did you mean {op.__name__}()?" if isinstance(op, type) else ""
            msg = (
                f"augment expects augmentations of fitfeed, or functions from one image array to another. "
                f"Received: augment[{place}]={op!r}.{hint}"
            )
            raise UsageError(msg)
        if not isinstance(op, Augmentation):
            check_function(op, f"augment[{place}]")
    split_batch(items)  # refuses what comes after mixing


def _default_shuffle(split: str | Sequence[str]) -> bool:
    if isinstance(split, str) and split in DEFAULT_SHUFFLE:
        return DEFAULT_SHUFFLE[split]
    msg = (
        f"shuffle must be given, as only {', '.join(map(repr, DEFAULT_SHUFFLE))} have a default. Received: "
        f"split={split!r}, shuffle=None. Write shuffle=True to train on it, or shuffle=False to evaluate."
    )
    raise UsageError(msg)


def _plain(value: object) -> object:
    """Turns integers and bools of NumPy, and lists and tuples of them, into those of Python."""
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def is_int(value: object) -> bool:
    """Returns whether this is an integer and not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_int_pair(value: object) -> bool:
    """Returns whether this is a tuple or list of two integers."""
    return isinstance(value, tuple | list) and len(value) == 2 and all(map(is_int, value))
