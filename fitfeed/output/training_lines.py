"""The lines of Python that train on a dataset, as they fit it."""

from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.manifest_parts import Split
from fitfeed.schemas.split_names import default_split

MAX_BATCH = 32
USUAL_SIDE = 224

TRAIN = "train on it:"
IMPORT = "  from fitfeed import make_pipeline"


def training_lines(dataset: str, manifest: Manifest) -> list[str]:
    """The lines of Python that train on a dataset, or read it where images have no labels.

    Args:
        dataset: Its folder, as it was written.
        manifest: Of the dataset.
    """
    split = default_split(manifest.splits)
    content, labels = manifest.splits[split], list(manifest.features.labels)
    arguments = [repr(dataset), repr(split), f"batch_size={min(MAX_BATCH, content.examples)}"]
    if manifest.features.image.shape[0] is None:
        arguments.append(f"image_size={_image_size(manifest, content)}")
    if split != "train":
        arguments.append("shuffle=True")
    if not labels:
        call = f"make_pipeline({', '.join([*arguments, 'labels=None'])})"
        return ["read its images, which have no labels:", IMPORT, f"  images = {call}"]
    if len(labels) > 1:
        arguments.append(f"label={_target(manifest)!r}")
    lines = [f"  model.fit(make_pipeline({', '.join(arguments)}), epochs=10)"]
    if len(labels) > 1:
        lines.append(
            f"  # label= is one of {', '.join(map(repr, labels))}; without it, all of them come as a dict"
        )
    return [TRAIN, IMPORT, *lines]


def _target(manifest: Manifest) -> str:
    """The label that a model most likely predicts: the first one with classes, or else the first."""
    found = manifest.features.classes
    return next(iter(manifest.features.labels)) if found is None else found[0]


def _image_size(manifest: Manifest, split: Split) -> tuple[int, int]:
    """A size for training: that of the conversion, or the usual one, but not more than most images have."""
    asked = manifest.options.get("size")
    if isinstance(asked, list) and len(asked) == 2:
        return int(asked[0]), int(asked[1])
    if split.height is None or split.width is None:
        return USUAL_SIDE, USUAL_SIDE
    return min(USUAL_SIDE, split.height.median), min(USUAL_SIDE, split.width.median)
