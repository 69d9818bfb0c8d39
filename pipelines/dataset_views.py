"""What an open dataset shows of itself, and gives to tools of others. `fitfeed.schemas.views` finds what makes it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fitfeed.schemas.report_page import ReportPage
from fitfeed.schemas.views import load_view

if TYPE_CHECKING:
    from datasets import Dataset as HuggingFaceDataset
    from PIL.Image import Image

    from fitfeed.pipelines.augment.base import Augmentation


class DatasetViews:
    """Base of `Dataset`: the methods whose code is above the packages that read datasets."""

    def _repr_html_(self) -> str:
        """Shows splits, classes, size and statistics in a notebook."""
        shown: str = load_view("dataset_html")(self)
        return shown

    def preview(
        self,
        split: str | None = None,
        *,
        count: int = 8,
        augment: "Sequence[Augmentation]" = (),
        image_size: tuple[int, int] | None = None,
        draws: int | None = None,
        seed: int = 0,
        columns: int | None = None,
        tile: int = 160,
    ) -> "Image":
        """Draws a contact sheet, as `fitfeed preview` does. At the end of a cell of a notebook it shows itself.

        Args:
            split: Of which; None: train, or the first one.
            count: Pictures.
            augment: As for `make_pipeline`; each picture is then shown as stored, and as training would see it.
            image_size: As for `make_pipeline`, of augmented pictures.
            draws: Augmented versions of each: epochs 0, 1, ...; None: four.
            seed: Chooses the pictures and augments them.
            columns: Pictures side by side; None: four, with augmentations one.
            tile: Side of a picture, in pixels.

        Returns:
            A picture of Pillow, RGB.

        Raises:
            UsageError: If there is no such split, or a number cannot be.
            DamagedDatasetError: If an example cannot be read.
        """
        drawn: Image = load_view("preview")(
            self,
            split=split,
            count=count,
            augment=augment,
            image_size=image_size,
            draws=draws,
            seed=seed,
            columns=columns,
            side=tile,
        )
        return drawn

    def report(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        source: str | os.PathLike[str] | Sequence[str] = (),
    ) -> ReportPage:
        """Makes the page of `fitfeed report`. At the end of a cell of a notebook it shows itself.

        Args:
            path: A file to write it into. None: none, and `save` of the result writes one.
            source: What the dataset was converted from, for pictures of rejected files; of several, NAME=SOURCE each.

        Returns:
            The page, with `findings`, `html` and `save`.

        Raises:
            UsageError: If the file cannot be written, or a source is not one of the dataset's.
            DamagedDatasetError: If manifest, index or tables are damaged.
        """
        page: ReportPage = load_view("report")(self, path, source)
        return page

    def to_huggingface(self, split: str | Sequence[str]) -> "HuggingFaceDataset":
        """Returns a split as a `datasets.Dataset` of Hugging Face. No image is copied: it is read when it is asked for.

        Its columns are `image`, the labels by name and `key`. Images and masks are of `datasets.Image`, classes of
        `ClassLabel`, with the names of this dataset.

        Args:
            split: As for `records`.

        Raises:
            UsageError: If there is no such split, or if images have colors of 16 bits, which Pillow cannot decode.
            MissingPackageError: If the library `datasets` is not installed.

        Example:
            >>> flowers = open_dataset("flowers").to_huggingface("train")
            >>> flowers[0]["image"].size, flowers.features["label"].names
            ((500, 333), ['daisy', 'rose'])
        """
        exported: HuggingFaceDataset = load_view("to_huggingface")(self, split)
        return exported

    def export_croissant(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        license: str | None = None,  # noqa: A002  as Croissant calls it
        url: str | None = None,
    ) -> Path:
        """Writes `croissant.json`, which describes the dataset, and `index.parquet`, which has its records without pixels.

        Args:
            folder: Where to. It is made if it does not exist. None: the dataset's own folder, so that both are
                published with it.
            name: Of the dataset. None: the name of its folder.
            description: What it is, in a sentence or more. None: what the manifest says of it.
            license: Its license, as an address or an identifier of SPDX. None: nothing is said.
            url: The page that is about it. None: nothing is said.

        Returns:
            The path of `croissant.json`.

        Raises:
            UsageError: If the files cannot be written or would replace somebody else's, or the dataset is in a store and no
                folder is named.
            DamagedDatasetError: If an index is not what was stored.
        """
        written: Path = load_view("export_croissant")(
            self, folder, name=name, description=description, license=license, url=url
        )
        return written
