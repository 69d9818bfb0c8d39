"""Checks that a pipeline can process images of 8 or 16 bits, when the pipeline is made."""

from collections.abc import Sequence

from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.user_functions import ImageFunction
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.schemas.bit_depth import Depth
from fitfeed.schemas.errors import UsageError

INTEGERS: dict[str, Depth] = {"uint8": 8, "uint16": 16}
"""Output types that hold stored values, and their bits."""

WORKING = (
    "crops, flips, RandomRotation, RandomZoom, RandomShear, RandomTranslation, RandomPerspective, RandomBrightness, "
    "RandomContrast, RandomColorDegeneration, RandomGrayscale, RandomInvert, RandomColorJitter without hue and "
    "saturation, RandomSharpness, RandomGaussianBlur, RandomErasing, MixUp, CutMix, and any function of uint16 arrays"
)


def check_depth(options: PipelineOptions, depth: Depth) -> None:
    """Refuses options that images of this many bits cannot be processed by.

    Args:
        options: Options of the pipeline.
        depth: Bits per value of the stored images.

    Raises:
        UsageError: If an option does not fit. It names the option, or the augmentation.
    """
    stored = INTEGERS.get(options.dtype, depth)
    if stored != depth:
        msg = (
            f"the dataset has images of {depth} bits. Received: dtype={options.dtype!r}. Use 'uint{depth}', or "
            f"a float type."
        )
        raise UsageError(msg)
    if depth == 8:
        return
    if options.augment_on == "device":
        msg = (
            "augmentations on the device are made for images of 8 bits, and the dataset has 16. Received: "
            "augment_on='device'. Use augment_on='cpu'."
        )
        raise UsageError(msg)
    if options.dtype == "float16" and options.normalize is None:
        msg = (
            "float16 ends at 65504, below the brightest values of 16 bits. Received: dtype='float16', "
            "normalize=None. Use dtype='float32' or 'uint16', or a normalization."
        )
        raise UsageError(msg)
    check_augment_depth(options.augment)


def check_augment_depth(augment: Sequence[Augmentation | ImageFunction]) -> None:
    """Refuses augmentations that cannot process images of 16 bits.

    Args:
        augment: As for `make_pipeline`.

    Raises:
        UsageError: If there is one. It names it.
    """
    for place, op in enumerate(augment):
        if isinstance(op, Augmentation) and op.only_8_bit:
            msg = (
                f"the dataset has images of 16 bits, and {type(op).__name__} is made for 8. Received: "
                f"augment[{place}]={op!r}. These work: {WORKING}."
            )
            raise UsageError(msg)
