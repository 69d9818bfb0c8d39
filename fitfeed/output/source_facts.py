"""What the files of a source were, besides their pixels, for the summary: bits, color profiles, values of masks."""

from collections.abc import Mapping

from fitfeed.schemas.features import MaskFeature
from fitfeed.schemas.manifest import Manifest

MAX_16_BITS = 65_535
SHOWN_VALUES = 12

DARK = 32_768
"""If no value reaches this one, a bit or more of sixteen is not used in any image."""


def depth_lines(manifest: Manifest) -> list[str]:
    """What bits of the sources were given up, or not used."""
    if manifest.largest_value is not None:
        way = f" ({_way(manifest.largest_value)})" if _is_dark(manifest) else ""
        return [f"largest    {manifest.largest_value} of 65535, in any channel of any split{way}"]
    deep = _deep_images(manifest)
    found = manifest.deep_sources
    if not deep:
        return []
    brightest = "" if found is None else f"; their largest value is {found.largest}"
    return [f"depth      {deep} images have more than 8 bits, which --depth 16 keeps{brightest}"]


def depth_warnings(manifest: Manifest) -> list[str]:
    """What a person must know of images with more than 8 bits, without full stop."""
    found, white = manifest.deep_sources, manifest.options.get("white")
    if found is None:
        return []
    lines = []
    if found.clipped:
        lines.append(
            f"{found.clipped} images have values above --white {white}, which are white now; the largest is {found.largest}"
        )
    if _is_dark(manifest):
        levels = found.largest // 256 + 1
        lines.append(
            f"the brightest value of {_deep_images(manifest)} images with more than 8 bits is {found.largest} of 65535, so in 8 bits they "
            f"have {levels} levels of 256; {_way(found.largest)}, --depth 16 keeps all bits"
        )
    return lines


def _is_dark(manifest: Manifest) -> bool:
    """Whether only the user can say what white is, has not said it, and it is less than half of what may be."""
    largest = manifest.largest_value
    if largest is None and manifest.deep_sources is not None:
        largest = manifest.deep_sources.largest
    return largest is not None and 0 < largest < DARK and manifest.options.get("white") is None


def _way(largest: int) -> str:
    """The option that uses all levels. The measured value may be exceeded by the next image; that of its bits is not."""
    bits = largest.bit_length()
    return f"--white {(1 << bits) - 1} says that they have {bits} bits"


def _deep_images(manifest: Manifest) -> int:
    return sum(count for bits, count in manifest.depths.items() if bits > 8)


def profile_lines(manifest: Manifest) -> list[str]:
    """The color profiles of the files, if any of them has another one than sRGB."""
    others = {name: count for name, count in manifest.profiles.items() if not name.lower().startswith("srgb")}
    if not others:
        return []
    listed = ", ".join(f"{count} {name}" for name, count in others.items())
    done = (
        "converted to sRGB"
        if manifest.options.get("color") == "srgb"
        else "stored as they are, without conversion (--color srgb converts them)"
    )
    return [f"profiles   {listed}: {done}"]


def other_files(manifest: Manifest) -> int:
    """How many files were ignored, without the copies that were left out: those count as ignored, or as rejects where labels differ."""
    copies = manifest.duplicates.dropped - manifest.rejects.get("label_conflict", 0)
    return max(0, manifest.ignored - max(0, copies))


def ignored_lines(extensions: Mapping[str, int]) -> list[str]:
    """What kinds of other files were ignored, below the line that counts them."""
    shown = [f"{count} {extension}" for extension, count in extensions.items()]
    more = f" and {len(shown) - SHOWN_VALUES} kinds more" if len(shown) > SHOWN_VALUES else ""
    return [f"           ignored: {', '.join(shown[:SHOWN_VALUES])}{more}"] if shown else []


def mask_value_lines(manifest: Manifest) -> list[str]:
    """The values of each mask, and how much of its pixels each has."""
    return [
        f"{name:<10} {mask_values(feature)}"
        for name, feature in manifest.features.labels.items()
        if isinstance(feature, MaskFeature)
    ]


def mask_values(feature: MaskFeature) -> str:
    """The values of a mask with their shares: `values 0 (97.2%), 1 (2.8%)`."""
    total = sum(feature.values.values())
    shown = list(feature.values.items())[:SHOWN_VALUES]
    listed = ", ".join(f"{value} ({100 * count / total:.3g}%)" for value, count in shown)
    more = len(feature.values) - len(shown)
    return f"values {listed}{f' and {more} more' if more else ''}"
