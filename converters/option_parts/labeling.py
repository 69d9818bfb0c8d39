"""Where the labels of an image come from."""

from typing import Annotated, Literal

from pydantic import Field

from fitfeed.converters.option_parts.values import COLUMN, Columns, Separator
from fitfeed.schemas.checked_options import MustBe, WhenNone, checked_options

ClassFrom = Literal["first", "parent", "path"]


@checked_options
class LabelOptions:
    """Where the labels of an image come from."""

    class_from: Annotated[
        ClassFrom,
        Field(
            description="with nested folders, the class is the first one, the image's own, or all joined by /"
        ),
    ] = "first"
    path_column: Annotated[
        str | None,
        Field(description="column that names the images, relative to SOURCE"),
        COLUMN,
        WhenNone("the one called path, file, image or the like"),
    ] = None
    label_columns: Annotated[
        Columns,
        Field(
            description="column that is a label, of kind class, multiclass (several, see --label-separator), "
            "float, int, text, or mask (path of an image); without KIND: class. Several columns, such as "
            "NAME=A,B,C or NAME=A..C, are one label: class if each row has one 1 in them, else multiclass"
        ),
        MustBe("names of columns, each as COLUMN or COLUMN:KIND"),
        WhenNone("the one called label, else the class folders"),
    ] = ()
    label_separator: Annotated[
        Separator | None,
        Field(description="what separates the classes in a field of a multiclass column"),
        MustBe("one character or more"),
        WhenNone(";, or a JSON list"),
    ] = None
