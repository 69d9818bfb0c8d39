"""Some examples of a dataset as tiles of a contact sheet: stored, and as training would see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.augment.compiler.program import CompiledBatch, Program
from fitfeed.pipelines.augment.ops.mixup_cutmix import Mixture, split_batch
from fitfeed.pipelines.batches.decode_window import decode_window_of
from fitfeed.pipelines.batches.mix import Mixer, mix_image
from fitfeed.pipelines.batches.soft_labels import SoftLabels
from fitfeed.pipelines.order.shuffle import permute
from fitfeed.pipelines.reading.labels import label_batch
from fitfeed.preview.contact_sheet import Tile, fit
from fitfeed.schemas.bit_depth import on_screen
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import ClassFeature, MulticlassFeature
from fitfeed.schemas.strict_json import Json, JsonObject

if TYPE_CHECKING:
    from fitfeed.pipelines import Augmentation, Dataset, Records
    from fitfeed.schemas.features import Features
    from fitfeed.schemas.payload import Pixels

SHOWN_CLASSES = 4
"""Of a mixed label: as many as `MixUp` and `CutMix` together can mix."""

SHOWN_SHARE = 0.005
"""Of a class in a mixed label: less would be written as 0%."""


@dataclass
class Preview:
    """What is shown of some examples.

    Attributes:
        rows: int64 (n,), their numbers in the split.
        keys: Their keys.
        tiles: For each, the stored picture, then one for each epoch.
        values: For each, its labels in plain JSON, without masks; for mixed ones the share of each class.
    """

    rows: npt.NDArray[np.int64]
    keys: list[str] = field(default_factory=list)
    tiles: list[list[Tile]] = field(default_factory=list)
    values: list[list[JsonObject]] = field(default_factory=list)


def make_preview(
    dataset: "Dataset",
    split: str,
    *,
    count: int,
    seed: int,
    side: int,
    augment: "Sequence[Augmentation]",
    image_size: tuple[int, int] | None,
    draws: int,
) -> Preview:
    """Renders examples as `make_pipeline` would in its first epochs.

    Args:
        dataset: The dataset.
        split: Of which.
        count: How many at most: the first ones of a shuffled epoch 0 with this seed.
        seed: As for `make_pipeline`.
        side: Of a tile.
        augment: As for `make_pipeline`. Mixing takes partners among the examples that are shown.
        image_size: As for `make_pipeline`.
        draws: Number of augmented versions of each, of epochs 0, 1, 2, ...; 0 for stored pictures only.

    Raises:
        UsageError: If the split does not exist, or the pictures cannot be mixed.
        DamagedDatasetError: If an example cannot be read.
    """
    records, features = dataset.records(split), dataset.manifest.features
    total = len(records)
    rows = permute(np.arange(min(count, total)), size=total, seed=seed, epoch=0)
    versions = _Versions(
        records, features, rows, augment=augment, image_size=image_size, seed=seed, draws=draws
    )
    preview = Preview(rows)
    rendered = []
    for i, row in enumerate(rows.tolist()):
        example = records[row]
        preview.keys.append(example["key"])
        named = _named(example, features)
        masks = {name: example[name] for name, kind in features.label_kinds.items() if kind == "mask"}
        preview.values.append([named])
        stored = _tile(example["image"], masks, side, lines=_lines(named), note=example["key"])
        images = [versions.image(epoch, i) for epoch in range(draws)]
        moved = [
            {name: versions.mask(mask, epoch, i) for name, mask in masks.items()} for epoch in range(draws)
        ]
        if versions.mixes:
            preview.tiles.append([stored])
            rendered.append(images)
        else:
            shown = [_tile(image, of, side) for image, of in zip(images, moved, strict=True)]
            preview.tiles.append([stored, *shown])
    for epoch in range(draws if versions.mixes else 0):
        batch = np.stack([images[epoch] for images in rendered])
        mixtures = versions.mixtures(epoch, batch)
        shares = versions.shares(mixtures)
        for i in range(len(rows)):
            preview.values[i].append(shares[i])
            image = mix_image(batch, mixtures, i)
            preview.tiles[i].append(_tile(image, {}, side, lines=_lines(shares[i])))
    return preview


class _Versions:
    """The augmented versions of some examples."""

    def __init__(
        self,
        records: "Records",
        features: "Features",
        rows: npt.NDArray[np.int64],
        *,
        augment: "Sequence[Augmentation]",
        image_size: tuple[int, int] | None,
        seed: int,
        draws: int,
    ) -> None:
        each, self.mixes = split_batch(augment)
        self._records, self._features, self._rows = records, features, rows
        self._names = [name for name, kind in features.label_kinds.items() if kind != "mask"]
        ops = [op for _, op in self.mixes]
        self._soften = SoftLabels(features, list(features.label_kinds), smoothing=0, mixes=ops)
        self._program = Program(each, image_size=image_size, seed=seed)
        self._mixer = Mixer(self.mixes, seed=seed)
        heights, widths = records.index.height[rows], records.index.width[rows]
        self._sizes = [self._program.output_size(size) for size in zip(heights.tolist(), widths.tolist(), strict=True)]  # fmt: skip
        if self.mixes and len(set(self._sizes)) > 1:
            msg = (
                f"{type(ops[0]).__name__} mixes pictures of one size, and those of this dataset come out in several. "
                f"Pass --image-size N, as in training."
            )
            raise UsageError(msg)
        self._draws: list[CompiledBatch] = [
            self._program.compile(epoch, rows, heights=heights, widths=widths) for epoch in range(draws)
        ]

    def image(self, epoch: int, i: int) -> "Pixels":
        """Example i in an epoch, not mixed; decoded as in training, no more of it than is needed."""
        draws = self._draws[epoch]
        stored = self._records.pixels(int(self._rows[i]), decode_window_of(draws.passes[i]))
        return self._program.render(stored, draws, i, size=self._sizes[i])

    def mask(self, mask: "Pixels", epoch: int, i: int) -> "Pixels":
        """A mask of example i in an epoch."""
        return self._program.render_mask(mask, self._draws[epoch], i, size=self._sizes[i])

    def mixtures(self, epoch: int, batch: "Pixels") -> list[Mixture]:
        """How the examples are mixed in an epoch."""
        return self._mixer.sample(epoch, self._rows, size=batch.shape[1:3])

    def shares(self, mixtures: list[Mixture]) -> list[dict[str, Json]]:
        """The mixed labels of each example, shares by the name of the class."""
        shares: list[dict[str, Json]] = [{} for _ in self._rows]
        for name in self._names:
            feature = self._features.labels[name]
            values = label_batch(self._records.index, self._features, name, self._rows, labels="onehot")
            values = self._soften(name, values, mixtures)
            for i, value in enumerate(values.tolist()):
                shares[i][name] = value
                if isinstance(feature, ClassFeature | MulticlassFeature):
                    pairs = zip(feature.class_names, value, strict=True)
                    shares[i][name] = {known: share for known, share in pairs if share >= SHOWN_SHARE}
        return shares


def _named(example: Mapping[str, Any], features: "Features") -> JsonObject:
    """The labels of an example with the names of its classes, without masks."""
    named: dict[str, Json] = {}
    for name, feature in features.labels.items():
        if isinstance(feature, ClassFeature):
            named[name] = feature.class_names[example[name]]
        elif isinstance(feature, MulticlassFeature):
            named[name] = [feature.class_names[number] for number in example[name].tolist()]
        elif feature.kind == "floats":
            named[name] = example[name].tolist()
        elif feature.kind != "mask":
            named[name] = example[name]
    return named


def _lines(named: JsonObject) -> list[str]:
    """Labels as text; one label needs no name."""
    return [
        line if len(named) == 1 else f"{name}: {line}"
        for name, value in named.items()
        for line in _written(value)
    ]


def _written(value: Any) -> list[str]:
    match value:
        case dict():  # shares of classes
            ordered = sorted(value.items(), key=lambda item: -item[1])
            return [f"{share:.0%} {name}" for name, share in ordered[:SHOWN_CLASSES]] or ["none"]
        case list():
            return [", ".join(each if isinstance(each, str) else f"{each:.6g}" for each in value) or "none"]
        case float():
            return [f"{value:.6g}"]
    return [str(value)]


def _tile(
    pixels: "Pixels", masks: "dict[str, Pixels]", side: int, *, lines: Sequence[str] = (), note: str = ""
) -> Tile:
    colored = {name: fit(on_screen(mask), side, labels=True) for name, mask in masks.items()}
    return Tile(fit(on_screen(pixels), side), colored, lines, note)
