"""How an image is decoded and stored."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fitfeed.converters.option_parts.values import Positive
from fitfeed.schemas.base_model import Depth
from fitfeed.schemas.checked_options import MustBe, WhenNone, checked_options
from fitfeed.schemas.errors import UsageError

Format = Literal["tfrecord", "hdf5"]
Encoding = Literal["keep", "jpeg", "png", "raw"]
Fit = Literal["shorter", "cover", "contain", "stretch"]
Frames = Literal["first", "reject"]
ColorSpace = Literal["stored", "srgb"]
LossyMasks = Literal["refuse", "accept"]

MAX_MAX_PIXELS = 1 << 48
"""With 64 bytes for each pixel, which a conversion may take, that is still a number of 64 bits."""

Byte = Annotated[int, Field(ge=0, le=255)]

Value16 = Annotated[int, Field(ge=1, le=65_535)]

# Not strict about the tuple itself: JSON and the command line have lists.
Size = Annotated[tuple[Positive, Positive], Field(strict=False)]
Color = Annotated[tuple[Byte, Byte, Byte], Field(strict=False)]


@checked_options
class StorageOptions:
    """How an image is decoded and stored."""

    format: Annotated[Format, Field(description="container of the shards")] = "tfrecord"
    encoding: Annotated[
        Encoding | None,
        Field(
            description="keep: the original bytes (converted losslessly where they are not an upright RGB or gray JPEG or PNG); "
            "jpeg, png: encoded again; raw: plain pixels"
        ),
        WhenNone("keep, or jpeg with --size (png with --depth 16)"),
    ] = None
    size: Annotated[
        Size | None,
        Field(description="target height and width in pixels"),
        MustBe("a positive number of pixels, N or HxW"),
        WhenNone("images keep their own"),
    ] = None
    fit: Annotated[
        Fit | None,
        Field(
            description="shorter: the smallest image that covers --size, with its aspect ratio and all its pixels; "
            "cover: fill it and crop the center; contain: fit inside and pad; stretch: distort"
        ),
        WhenNone("shorter, or cover for raw"),
    ] = None
    quality: Annotated[int, Field(ge=1, le=100, description="JPEG quality, 1 to 100"), MustBe("1 to 100")] = (
        90
    )
    channels: Annotated[Literal[1, 3], Field(description="1 for gray, 3 for RGB")] = 3
    depth: Annotated[
        Depth,
        Field(
            description="bits per value: 16 keeps those of 16-bit PNG and TIFF and widens the others to 0..65535, "
            "in keep, png or raw"
        ),
    ] = 8
    white: Annotated[
        Value16 | None,
        Field(
            description="the value of images with more than 8 bits that is white: 4095 for twelve bits in sixteen; larger "
            "values become white, too, and are counted. PGM and PPM say it themselves"
        ),
        MustBe("a whole number, 1 to 65535"),
        WhenNone("65535"),
    ] = None
    background: Annotated[
        Color,
        Field(description="color that transparent pixels are composited on, and that contain pads with"),
        MustBe("R,G,B, each 0 to 255"),
    ] = (255, 255, 255)
    color: Annotated[
        ColorSpace,
        Field(
            description="stored: pixels as they are in the file, whatever its color profile; "
            "srgb: images with another ICC profile are converted to sRGB, without loss in keep"
        ),
    ] = "stored"
    lossy_masks: Annotated[
        LossyMasks,
        Field(
            description="refuse masks in JPEG and other lossy files, whose class numbers have changed, or accept their values"
        ),
    ] = "refuse"
    frames: Annotated[
        Frames, Field(description="take the first frame of animated and multi-page images, or reject them")
    ] = "first"
    max_pixels: Annotated[
        int,
        Field(
            ge=1, le=MAX_MAX_PIXELS, description="images with more pixels are refused before they are decoded"
        ),
        MustBe(f"a whole number, 1 to {MAX_MAX_PIXELS}"),
    ] = 89_478_485  # Pillow's own warning limit: 1/4 GiB of RGB pixels

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        """The defaults that depend on other options."""
        if self.encoding is None:
            object.__setattr__(self, "encoding", self._default_encoding())
        if self.fit is None:
            object.__setattr__(self, "fit", "cover" if self.encoding == "raw" else "shorter")
        return self

    def _default_encoding(self) -> Encoding:
        if self.size is None:
            return "keep"
        return "jpeg" if self.depth == 8 else "png"

    @model_validator(mode="after")
    def _check_storage(self) -> Self:
        if self.encoding == "jpeg" and self.depth != 8:
            msg = "encoding 'jpeg' has 8 bits per value, so it cannot keep 16. Use --encoding keep, png or raw with --depth 16, or leave --depth out."
            raise UsageError(msg)
        if self.color == "srgb" and self.depth == 16:
            msg = "--color srgb converts colors with 8 bits per value, so it cannot keep 16. Leave out --color srgb or --depth 16."
            raise UsageError(msg)
        if self.encoding == "keep" and self.size is not None:
            msg = "encoding 'keep' stores the original bytes, which have no other size. Use --encoding jpeg, png or raw with --size, or leave --size out."
            raise UsageError(msg)
        if self.encoding == "raw" and self.size is None:
            msg = "encoding 'raw' needs one fixed shape for all images. Add --size N or --size HxW."
            raise UsageError(msg)
        if self.encoding == "raw" and self.fit == "shorter":
            msg = "encoding 'raw' needs one fixed shape, and --fit shorter keeps each image's own aspect ratio. Use --fit cover, contain or stretch."
            raise UsageError(msg)
        return self

    @property
    def fixed_shape(self) -> tuple[int, int] | None:
        """The (height, width) that every stored image has, or None where they differ."""
        return None if self.fit == "shorter" else self.size
