"""Objects that are alike are one line; those that are not stay apart."""

import re

from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.inspect.hdf5.families import MIN_FAMILY, Families
from fitfeed.converters.inspect.report import ForeignFeature, Span


def merged(*features: ForeignFeature) -> dict[str, ForeignFeature]:
    families = Families()
    for one in features:
        families.add(one)
    return {one.name: one for one in families.features()}


def dataset(
    name: str, dtype: str = "uint8", shape: tuple[int, ...] = (4, 5, 3), **more: object
) -> ForeignFeature:
    return ForeignFeature(name=name, role="dataset", dtype=dtype, shape=shape, **more)  # type: ignore[arg-type]


def test_20_000_groups_are_one_line() -> None:
    found = merged(*(dataset(f"/img_{i:05}/image", values=Span(i, i)) for i in range(20_000)))
    assert found.keys() == {"/img_*/image"}
    assert (found["/img_*/image"].count, found["/img_*/image"].values) == (20_000, Span(0, 19_999))


def test_sides_that_differ_are_unknown() -> None:
    found = merged(*(dataset(f"/{i}", shape=(4, 5 + i % 2, 3)) for i in range(10)))
    assert found["/*"].shape == (4, None, 3)


def test_names_that_differ_otherwise() -> None:
    names = [f"/{kind}/{name}.jpg" for kind in ("cat", "dog") for name in "abcdefghijkl"]
    found = merged(*(dataset(name) for name in names))
    assert {name: one.count for name, one in found.items()} == {"/cat/*.jpg": 12, "/dog/*.jpg": 12}


def test_columns_of_labels_are_never_merged() -> None:
    names = [
        f"/{name}"
        for name in ["age", "sex", "height", "weight", "label", "fold", "site", "scan", "year", "month"]
    ]
    assert len(merged(*(dataset(name, "int64", (60,)) for name in names))) == len(names)


def test_few_are_listed() -> None:
    assert len(merged(*(dataset(f"/{i}") for i in range(MIN_FAMILY - 1)))) == MIN_FAMILY - 1


def test_attributes_of_all() -> None:
    found = merged(*(dataset(f"/{i}", attributes={"label": "ab"[i % 2]}) for i in range(20)))
    assert found["/*"].attributes == {"label": "a | b"}
    found = merged(*(dataset(f"/{i}", attributes={"label": str(i)}) for i in range(30)))
    assert found["/*"].attributes["label"].endswith("| ...")


@given(
    st.lists(st.from_regex(r"(/(a|b|img_?)[0-9]{0,3}){1,3}", fullmatch=True), unique=True, max_size=60),
    st.data(),
)
def test_no_object_is_lost(names: list[str], data: st.DataObject) -> None:
    dtypes = st.sampled_from(["uint8", "int64"])
    features = [dataset(name, data.draw(dtypes)) for name in names]
    found = merged(*features).values()
    assert sum(one.count for one in found) == len(names) or len({one.name for one in found}) < len(found)
    for one in features:
        assert any(re.fullmatch(re.escape(each.name).replace("\\*", "[^/]*"), one.name) for each in found)
