"""The images of each class, in a line."""

from fitfeed.output.class_counts import MAX_LISTED, class_counts_line


def test_some_classes_are_listed() -> None:
    assert class_counts_line({"cat": 3, "dog": 0}) == "cat 3, dog 0"
    assert class_counts_line({}) == ""


def test_many_classes_are_summarized() -> None:
    many = {f"person{i}": 2 for i in range(5000)}
    assert class_counts_line(many) == "5,000 classes with 2 images each"
    assert class_counts_line({**many, "a": 1, "b": 9, "c": 0}) == (
        "5,002 classes with 1 to 9 images, median 2; fewest: a 1, person0 2, person1 2; "
        "most: b 9, person0 2, person1 2; 1 more have none"
    )
    assert class_counts_line(dict.fromkeys(many, 0)) == "5,000 classes without images"
    assert class_counts_line({str(i): i for i in range(MAX_LISTED)}).startswith("0 0, 1 1, ")
