"""Draws the contact sheet of a dataset, for the command and for notebooks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fitfeed.preview.contact_sheet import ContactSheet, Placed
from fitfeed.preview.samples import Preview, make_preview
from fitfeed.preview.sheet_options import COLUMNS, DRAWS, SheetOptions
from fitfeed.schemas.split_names import default_split
from fitfeed.schemas.storage.open_place import open_place

if TYPE_CHECKING:
    from PIL.Image import Image

    from fitfeed.pipelines import Dataset


@dataclass(frozen=True, kw_only=True)
class DrawnSheet:
    """A sheet.

    Attributes:
        image: RGB.
        split: Of the pictures.
        draws: Augmented versions of each.
        preview: What is shown.
        placed: Where everything is.
        missing_letters: Letters that the font does not have.
    """

    image: "Image"
    split: str
    draws: int
    preview: Preview
    placed: list[list[Placed]]
    missing_letters: set[str]


def draw_sheet(dataset: "Dataset", options: SheetOptions) -> DrawnSheet:
    """Draws the contact sheet of a dataset.

    Args:
        dataset: The dataset.
        options: What is shown, checked.

    Raises:
        UsageError: If the split or the font is not there, or the pictures cannot be mixed.
        DamagedDatasetError: If an example cannot be read.
    """
    draws = (options.draws or DRAWS) if options.augment else 0
    split = options.split or default_split(dataset.splits)
    columns = options.columns or (1 if options.augment else COLUMNS)
    sheet = ContactSheet(side=options.side, columns=columns, font=options.font)
    preview = make_preview(
        dataset,
        split,
        count=options.count,
        seed=options.seed,
        side=options.side,
        augment=options.augment,
        image_size=options.image_size,
        draws=draws,
    )
    total = dataset.splits[split].examples
    image, placed = sheet.draw(
        f"{_name(dataset)} · {split} · {len(preview.rows)} of {total} examples · seed {options.seed}",
        options.written,
        ["stored", *(f"epoch {epoch}" for epoch in range(draws))] if draws else [],
        preview.tiles,
    )
    return DrawnSheet(
        image=image,
        split=split,
        draws=draws,
        preview=preview,
        placed=placed,
        missing_letters=sheet.missing_letters,
    )


def _name(dataset: "Dataset") -> str:
    """The name of the dataset's folder, or the last part of its address."""
    place = open_place(dataset.address, "DATASET")
    return place.choose(local=lambda path: path.resolve().name, far=lambda far: far.split()[1])
