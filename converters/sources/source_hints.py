"""Hints for a person: files beside the images, or among them, that may mean something else than fitfeed reads."""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence

from fitfeed.converters.foreign_formats import DICOM
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.schemas.packed_texts import PackedTexts

SHOWN_NAMES = 5

IMAGE_FOLDERS = frozenset({"images", "image", "imgs", "img", "jpegimages", "pictures"})
MASK_FOLDERS = frozenset(
    [
        *(
            "mask",
            "masks",
            "label",
            "labels",
            "annotation",
            "annotations",
            "gt",
            "groundtruth",
            "ground_truth",
        ),
        *("seg", "segmentation", "segmentations", "segmentationclass", "segmentationobject"),
    ]
)
MASK_NAME = re.compile(
    r"(.+?)([ _.-](?:masks?|seg|segmentation|labels?|gt|annotation))[ _.-]?\d*", re.IGNORECASE
)
MASK_ENDS = ("mask", "masks", "seg", "segmentation", "label", "labels", "gt", "annotation")

BOXES_JSON = re.compile(r"(?:.*/)?(?:_annotations\.coco|instances_[^/]*|[^/]*coco[^/]*)\.json", re.IGNORECASE)
YOLO_FILES = frozenset({"classes.txt", "data.yaml", "dataset.yaml", "data.yml", "obj.names"})


def foreign_hints(ignored: Iterable[Reject]) -> list[str]:
    """Warns of pictures among the files that are ignored, in a format that nothing here reads."""
    scans = [reject.path for reject in ignored if DICOM in reject.detail]
    return (
        [f"{len(scans)} files are DICOM, which is ignored, {scans[0]} for example. {DICOM}"] if scans else []
    )


def mask_hints(paths: PackedTexts, class_names: Iterable[str]) -> list[str]:
    """Warns of images that are called like masks of other images, and of classes called like folders of masks.

    Args:
        paths: Of the images that become examples.
        class_names: The classes that folders name; none if something else does.
    """
    return [*_mask_folders(paths, list(class_names)), *_mask_names(paths)]


def detection_hints(paths: PackedTexts, ignored: Sequence[Reject]) -> list[str]:
    """Warns of files that look like labels for detection: of COCO, VOC or YOLO. They are not opened.

    Args:
        paths: Of the images.
        ignored: The other files.
    """
    sidecars = [reject.path for reject in ignored if reject.path.endswith((".xml", ".txt", ".json"))]
    if not sidecars:
        return []
    named = {reject.path.rpartition("/")[2].lower() for reject in ignored}
    is_yolo = not named.isdisjoint(YOLO_FILES)
    stems: set[str] | None = None
    found: dict[str, str] = {}
    for path in sidecars:
        folder, _, name = path.rpartition("/")
        stem, _, extension = name.rpartition(".")
        kind = {"xml": "VOC", "txt": "YOLO", "json": "COCO"}[extension]
        if kind in found:
            continue
        if kind == "COCO":
            if BOXES_JSON.fullmatch(path):
                found[kind] = path
            continue
        if kind == "YOLO" and not is_yolo and "labels" not in folder.lower().split("/"):
            continue
        if stems is None:
            stems = {_stem(text_path(image)) for image in paths}
        if stem in stems:
            found[kind] = path
    return [
        f"{path} looks like labels for detection ({kind}), which are not read yet; what an image gets is said by folders or a table"
        for kind, path in found.items()
    ]


def empty_folder_hints(folders: Sequence[str]) -> list[str]:
    """Names folders without any file: each may be a class whose images are missing.

    Args:
        folders: Their paths.
    """
    if not folders:
        return []
    return [f"folders without any file, so without a class: {_shown(folders)}"]


def _mask_folders(paths: PackedTexts, class_names: list[str]) -> Iterator[str]:
    masks = [name for name in class_names if name.casefold() in MASK_FOLDERS]
    images = [name for name in class_names if name.casefold() in IMAGE_FOLDERS]
    if not masks and not (images and len(class_names) > 1):
        return
    line = (
        f"classes are called like folders of images or masks, not like classes: {_shown([*images, *masks])}"
    )
    if masks:
        mask = next((path for path in paths if masks[0] in path.split("/")[:-1]), f"{masks[0]}/1.png")
        above = mask.split("/")[: mask.split("/").index(masks[0])] if masks[0] in mask.split("/") else []
        extension = mask.rpartition(".")[2]
        pattern = "/".join(["{parent}" if above else "", masks[0], "{stem}." + extension]).lstrip("/")
        if not above and mask.count("/") > 1:
            pattern = f"{masks[0]}/{{below}}/{{stem}}.{extension}"
        out = f"*/{masks[0]}" if above else masks[0]
        line += f"; --mask-from {_quoted(pattern)} stores masks as masks, --exclude {_quoted(out)} leaves them out"
    yield line


def _mask_names(paths: PackedTexts) -> Iterator[str]:
    suspects = [path for some in paths.blocks() for path in _suspects(some)]
    if not suspects:
        return
    named = {path.rpartition(".")[0]: path for path in paths}
    pairs = []
    for path in suspects:
        match = MASK_NAME.fullmatch(path.rpartition(".")[0])
        if match is not None and match[1] in named:
            pairs.append((path, named[match[1]], match[2]))
    if not pairs:
        return
    mask, image, ending = pairs[0]
    pattern = _quoted("{dir}/{stem}" + ending + "." + mask.rpartition(".")[2])
    yield (
        f"{len(pairs)} images are called like masks of others, for example {text_path(mask)} beside {text_path(image)}; "
        f"--mask-from {pattern} stores them as masks, --exclude {_quoted(f'*{ending}*')} leaves them out"
    )


def _suspects(paths: PackedTexts) -> list[str]:
    """Paths of images that may be called like masks. Of most sources, none is: that is seen for thousands at once."""
    together = paths.joined_text().lower()
    if not any(ending in together for ending in MASK_ENDS):
        return []
    return [path for path in paths if _stem(path).rstrip("0123456789 _.-").lower().endswith(MASK_ENDS)]


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _quoted(text: str) -> str:
    return shlex.quote(text_path(text))


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more
