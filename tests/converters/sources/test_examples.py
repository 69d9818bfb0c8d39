"""The labels of many images as JSON are those of each."""

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.features import PlannedLabel

FILES = [SourceFile(f"{number}.png", number, 1) for number in range(3)]
TABLE = ExampleTable(
    files=FileColumns.of(FILES),
    labels={
        "species": [1, 0, 1],
        "tags": [[1, 0], [], [2]],
        "age": [1.5, 2.0, 0.0],
        "size": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
        "region": FILES,
    },
    features={
        "species": PlannedLabel(kind="class", class_names=["cat", "dog"], class_order="text"),
        "tags": PlannedLabel(kind="multiclass", class_names=["b", "a", "c"], class_order="given"),
        "age": PlannedLabel(kind="float"),
        "size": PlannedLabel(kind="floats", value_names=["height", "width"]),
        "region": PlannedLabel(kind="mask"),
    },
    splits=Categories.of([None] * 3),
)


def test_labels_do_not_depend_on_the_numbers_of_classes() -> None:
    assert TABLE.values("species", [0, 1, 2]) == ["dog", "cat", "dog"]
    assert TABLE.values("tags", [0, 1, 2]) == [["a", "b"], [], ["c"]]
    assert TABLE.values("age", [2, 0]) == [0.0, 1.5]
    assert TABLE.values("size", [1]) == [[3.0, 4.0]]
    assert TABLE.values("region", [2, 1]) == [["2.png", 2], ["1.png", 1]]


def test_the_labels_of_one_image_are_those_of_many() -> None:
    for name in TABLE.labels:
        assert [TABLE.value(name, place) for place in (2, 0)] == TABLE.values(name, [2, 0])
