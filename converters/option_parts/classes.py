"""What classes are called, in which order they are numbered, and which are left out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from fitfeed.schemas.checked_options import MustBe, WhenNone, checked_options
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.text import composed, short_repr

SortedBy = Literal["number", "text"]


def _as_tuple(value: Any) -> Any:
    is_list = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    return tuple(value) if is_list else value


# JSON and the command line have lists. `Field(strict=False)` says so too, but not in a union before pydantic 2.10.
ClassList = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


@checked_options
class ClassOptions:
    """What classes are called, in which order they are numbered, and which are left out."""

    class_order: Annotated[
        SortedBy,
        Field(
            description="number: classes that are all whole numbers ascend as such, 2 before 10, and others as text; "
            "text: all ascend as text, 10 before 2, as in Keras and TFDS"
        ),
    ] = "number"
    classes: Annotated[
        ClassList | Mapping[str, ClassList],
        Field(
            description="the classes in their order, so that datasets agree: another class is an error, and one "
            "without images stays"
        ),
        MustBe("names of classes, or such a list for each label"),
        WhenNone("those of SOURCE"),
    ] = ()
    rename_classes: Annotated[
        Mapping[str, str] | None,
        Field(description="another name for a class; classes that get the same name become one"),
        MustBe("new names of classes by old names"),
    ] = None
    drop_classes: Annotated[
        ClassList,
        Field(description="classes whose images are left out; names are those after --rename-class"),
        MustBe("names of classes"),
    ] = ()

    @model_validator(mode="after")
    def _check_class_names(self) -> Self:
        for flag, names in self._lists():
            _check_each(flag, names)
            times = Counter(map(composed, names))
            if twice := [name for name in times if times[name] > 1]:
                msg = f"{flag} names the class {short_repr(twice[0])} twice. Name each class once."
                raise UsageError(msg)
        for pair in (self.rename_classes or {}).items():
            _check_each("--rename-class", pair)
        return self

    def _lists(self) -> Iterator[tuple[str, Sequence[str]]]:
        lists = self.classes.values() if isinstance(self.classes, Mapping) else [self.classes]
        yield from (("--classes", names) for names in lists)
        yield "--drop-classes", self.drop_classes


def _check_each(flag: str, names: Sequence[str]) -> None:
    for name in names:
        if not name.strip():
            msg = f"{flag} has a class name that is empty. Received: {short_repr(name)}"
            raise UsageError(msg)
