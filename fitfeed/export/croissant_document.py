"""The description of a dataset in the Croissant format: JSON-LD that says what its files are, and what a record has."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fitfeed.export.example_table import PLACE, named_classes, split_column, table_labels
from fitfeed.export.own_files import MARK
from fitfeed.schemas.features import ClassFeature, MulticlassFeature
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.manifest_parts import File
from fitfeed.schemas.strict_json import JsonObject

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
TABLE_NAME = "index.parquet"

CONTEXT: JsonObject = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""That of version 1.0 of the specification, as it is."""

_FORMATS = {"tfrecord": "application/octet-stream", "hdf5": "application/x-hdf5"}
_DATA_TYPES = {"class": "sc:Integer", "int": "sc:Integer", "multiclass": "sc:Integer", "text": "sc:Text"}
"""Of labels; all others are numbers with a fraction."""

_PLACE_FIELDS = {
    "shard": ("sc:Text", "The file that the image is in."),
    "offset": ("sc:Integer", "The byte of that file at which its stored bytes begin."),
    "length": ("sc:Integer", "Their number."),
    "crc32c": ("sc:Integer", "Their CRC-32C."),
    "height": ("sc:Integer", "Rows of pixels."),
    "width": ("sc:Integer", "Columns of pixels."),
}


def croissant_document(
    manifest: Manifest, about: Mapping[str, str], table: File, url_of: Callable[[str], str]
) -> JsonObject:
    """Describes a dataset.

    Args:
        manifest: Its manifest.
        about: `name`, `description`, and what else is said of the whole: `license`, `url`.
        table: The table of its examples.
        url_of: Gives the address of a file of the dataset.

    Returns:
        JSON-LD, as version 1.0 of the specification asks for.
    """
    labels = [*manifest.features.labels]
    record_sets = [_splits(manifest), *_classes(manifest), _examples(manifest, split_column(labels))]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "sdPublisher": {
            "@type": "sc:Organization",
            "name": MARK,
        },  # of this description, and among its first bytes
        **about,
        "version": f"{manifest.format_version}.0.0+{manifest.fingerprint[:16]}",
        "distribution": [
            _file(table, "application/x-parquet", TABLE_NAME),
            *(
                _file(shard, _FORMATS[manifest.format], url_of(shard.file))
                for split in manifest.splits.values()
                for shard in split.shards
            ),
        ],
        "recordSet": record_sets,
    }


def _file(file: File, encoding: str, url: str) -> JsonObject:
    return {
        "@type": "cr:FileObject",
        "@id": file.file,
        "name": file.file,
        "contentUrl": url,
        "contentSize": f"{file.bytes} B",
        "encodingFormat": encoding,
        "sha256": file.sha256,
    }


def _splits(manifest: Manifest) -> JsonObject:
    known = {"train": "cr:TrainingSplit", "validation": "cr:ValidationSplit", "test": "cr:TestSplit"}
    fields = [_field("splits/name", "sc:Text")]
    rows: list[JsonObject] = [{"splits/name": name} for name in manifest.splits]
    if manifest.splits.keys() <= known.keys():
        fields.append(_field("splits/url", "sc:URL"))
        rows = [{"splits/name": name, "splits/url": known[name]} for name in manifest.splits]
    return _enumeration("splits", "cr:Split", fields, rows, "The splits.")


def _classes(manifest: Manifest) -> list[JsonObject]:
    return [
        _enumeration(
            _class_set(name),
            "sc:Enumeration",
            [
                _field(f"{_class_set(name)}/number", "sc:Integer"),
                _field(f"{_class_set(name)}/name", "sc:Text"),
            ],
            [
                {f"{_class_set(name)}/number": number, f"{_class_set(name)}/name": text}
                for number, text in enumerate(feature.class_names)
            ],
            f"The classes of {name!r}.",
        )
        for name, feature in manifest.features.labels.items()
        if isinstance(feature, ClassFeature | MulticlassFeature)
    ]


def _class_set(label: str) -> str:
    return f"{label}_classes"


def _enumeration(
    name: str, kind: str, fields: Sequence[JsonObject], rows: Sequence[JsonObject], description: str
) -> JsonObject:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "dataType": kind,
        "key": {"@id": fields[0]["@id"]},
        "field": [*fields],
        "data": [*rows],
    }


def _examples(manifest: Manifest, split: str) -> JsonObject:
    features = manifest.features
    fields = [
        _column(split, "sc:Text", "The split of the example.", references="splits/name"),
        _column("key", "sc:Text", "Its unique name: the path of its file below the source."),
    ]
    for name, feature in table_labels(features).items():
        kind = _DATA_TYPES.get(feature.kind, "sc:Float")
        described = f"Label, of the kind {feature.kind!r}."
        one = isinstance(feature, ClassFeature)
        field = _column(name, kind, described, references=f"{_class_set(name)}/number" if one else None)
        fields.append({**field, "repeated": True} if feature.kind in ("multiclass", "floats") else field)
    for name, column in named_classes(features).items():
        fields.append(_column(column, "sc:Text", f"The name of the class that {name!r} numbers."))
    fields += [_column(name, *_PLACE_FIELDS[name]) for name in PLACE]
    return {
        "@type": "cr:RecordSet",
        "@id": "examples",
        "name": "examples",
        "description": "One record for each example, without its pixels.",
        "key": {"@id": "examples/key"},
        "field": fields,
    }


def _column(name: str, kind: str, description: str, *, references: str | None = None) -> JsonObject:
    field = _field(f"examples/{name}", kind)
    field["description"] = description
    field["source"] = {"fileObject": {"@id": TABLE_NAME}, "extract": {"column": name}}
    if references is not None:
        field["references"] = {"field": {"@id": references}}
    return field


def _field(identity: str, kind: str) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": identity, "name": identity, "dataType": kind}
