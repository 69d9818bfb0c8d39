"""A dataset as one JSON document: `fitfeed inspect --json`, and the greater part of `convert --json`."""

from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.manifest_parts import Split
from fitfeed.schemas.strict_json import JsonObject


def describe(manifest: Manifest) -> JsonObject:
    """Describes a complete dataset in JSON types.

    Args:
        manifest: Of the dataset.

    Returns:
        `format`, `format_version`, `fingerprint`, `splits`, `features`, `class_names`, `statistics`
        (per channel, range 0..255, or 0..65535 for 16 bits), `rejects` (count by reason), `ignored`, `profiles`, `depths`, `largest_value`, `deep_sources`, `duplicates`, `options`, `sources`, `source`.
    """
    content = manifest.to_dict()
    same = (
        "format",
        "format_version",
        "fingerprint",
        "features",
        "rejects",
        "ignored",
        "profiles",
        "depths",
        "largest_value",
        "duplicates",
        "options",
        "sources",
        "source",
        "statistics",
    )
    return {
        **{name: content[name] for name in same},
        "deep_sources": content.get("deep_sources"),
        "class_names": manifest.class_names,
        "splits": {name: _split(split, manifest.class_names) for name, split in manifest.splits.items()},
    }


def _split(split: Split, class_names: list[str]) -> JsonObject:
    return {
        "examples": split.examples,
        "shards": len(split.shards),
        "bytes": split.bytes,
        "class_counts": dict(zip(class_names, split.class_counts, strict=True)),
        "height": None if split.height is None else split.height.model_dump(),
        "width": None if split.width is None else split.width.model_dump(),
        "histogram": split.counts.tolist(),
    }
