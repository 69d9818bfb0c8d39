"""The sheet of a dataset: which split, how many versions, where."""

from pathlib import Path

from fitfeed.pipelines import RandomFlip, open_dataset
from fitfeed.preview.sheet import draw_sheet
from fitfeed.preview.sheet_options import SheetOptions


def test_stored_pictures_are_side_by_side(gray: Path) -> None:
    sheet = draw_sheet(open_dataset(gray), SheetOptions(count=6, side=32))
    assert (sheet.split, sheet.draws, len(sheet.preview.rows)) == ("train", 0, 6)
    tops = [placed[0].image[1] for placed in sheet.placed]
    assert tops[:4] == [tops[0]] * 4
    assert tops[4:] == [tops[4]] * 2
    assert tops[4] > tops[0]


def test_augmented_versions_have_a_row_for_each_picture(gray: Path) -> None:
    options = SheetOptions(count=2, side=32, augment=[RandomFlip()], draws=3)
    sheet = draw_sheet(open_dataset(gray), options)
    assert [len(placed) for placed in sheet.placed] == [4, 4]
    assert sheet.placed[1][0].image[1] > sheet.placed[0][0].image[1]
    assert len(draw_sheet(open_dataset(gray), SheetOptions(count=1, augment=[RandomFlip()])).placed[0]) == 5
