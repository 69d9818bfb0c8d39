"""What `--label-column` asks for: columns and kinds as they are written, and what is answered to what is neither."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitfeed.converters.sources.label_specs import AskedLabel, LabelSpec, parse_label_spec, require_possible
from fitfeed.converters.sources.table import Table
from fitfeed.schemas.errors import UsageError


@pytest.fixture
def table(tmp_path: Path) -> Table:
    (tmp_path / "t.csv").write_text('path,label,age,a:b,x=y,MEL,NV,BCC,No Finding,"p,q"\n')
    return Table(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("text", "name", "columns", "kind"),
    [
        ("label", "label", ["label"], "class"),
        ("age:float", "age", ["age"], "float"),
        ("AGE:float", "AGE", ["age"], "float"),
        ("a:b", "a:b", ["a:b"], "class"),
        ("a:b:mask", "a:b", ["a:b"], "mask"),
        ("x=y", "x=y", ["x=y"], "class"),
        ("x=y:int", "x=y", ["x=y"], "int"),
        ("years=age:int", "years", ["age"], "int"),
        ("d=MEL,NV", "d", ["MEL", "NV"], "class"),
        ("d = NV , MEL :multiclass", "d", ["NV", "MEL"], "multiclass"),
        ("d=MEL..BCC:multiclass", "d", ["MEL", "NV", "BCC"], "multiclass"),
        ("d=label,mel..No Finding", "d", ["label", "MEL", "NV", "BCC", "No Finding"], "class"),
        ("d=No Finding..p,q:multiclass", "d", ["No Finding", "p,q"], "multiclass"),
        ("d=p,q:int", "d", ["p,q"], "int"),
        ("=MEL,NV", "MEL,NV", ["MEL", "NV"], "class"),
    ],
)
def test_what_is_asked_for(table: Table, text: str, name: str, columns: list[str], kind: str) -> None:
    found = parse_label_spec(text, table)
    assert (found.name, list(found.columns), found.kind) == (name, columns, kind)
    assert found.is_named == text.startswith(("years=", "d"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "label:multilabel",
            r"no kind 'multilabel'\. The kinds are class, .*mean --label-column label:multiclass\?",
        ),
        ("label:bool", "no kind 'bool'.*mean --label-column label:class"),
        ("label:category", "mean --label-column label:class"),
        ("label:flaot", "mean --label-column label:float"),
        ("label:Float", "mean --label-column label:float"),
        ("age:number", "mean --label-column age:float"),
        ("label:zzz", r"no kind 'zzz'\. The kinds are class, multiclass, float, floats, int, mask, text\.$"),
        ("d=MEL,NV:multilabel", "mean --label-column d=MEL,NV:multiclass"),
        ("No Finding:tags", "mean --label-column 'No Finding:multiclass'"),
        ("b:c", "--label-column b:c: t.csv must have one such column"),
        ("b:int", "--label-column b: t.csv must have one such column"),
        ("d=MEL,NW:int", "--label-column NW: t.csv must have one such column"),
        ("d=MEL..NW", r"--label-column MEL\.\.NW: t.csv must have one such column"),
        ("d=BCC..MEL", r"BCC\.\.MEL: t.csv must have"),
    ],
)
def test_what_is_not_there(table: Table, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_label_spec(text, table)


def test_a_column_with_the_name_of_a_kind_after_a_colon(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("path,age:float\n")
    assert parse_label_spec("age:float", Table(tmp_path / "t.csv")) == AskedLabel(
        "age:float", False, ("age:float",), "class"
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.text(st.sampled_from("ab:=,. floatmskcxyNV"), max_size=12))
def test_any_text_asks_for_columns_or_is_refused(table: Table, text: str) -> None:
    try:
        found = parse_label_spec(text, table)
    except UsageError:
        return
    assert found.columns
    assert set(found.columns) <= set(table.columns)


@pytest.mark.parametrize("kind", ["int", "float", "text", "mask"])
def test_several_columns_are_classes(kind: str) -> None:
    with pytest.raises(
        UsageError,
        match=r"cannot be one label.*Give --label-column d=A,B:class or.* or --label-column d=A,B:floats",
    ):
        require_possible(LabelSpec(("A", "B"), kind, "d"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="names a column twice"):
        require_possible(LabelSpec(("A", "A"), "class", "d"))


def test_floats_are_several_columns(table: Table) -> None:
    assert parse_label_spec("d=age,MEL:floats", table).kind == "floats"
    with pytest.raises(UsageError, match=r"floats is for several columns.*Give --label-column age:float\.$"):
        require_possible(LabelSpec(("age",), "floats", "age"))
