"""Each field of `ConvertOptions` has its flag, with its choices, its default and its description."""

import argparse

import pytest

from fitfeed.commands.convert_flags import (
    ARRANGED,
    CHOSEN,
    CLASSES,
    FROM_TABLE,
    STORED,
    SYNTAX,
    USED,
    add_option_flags,
    given_options,
)
from fitfeed.converters.option_parts.values import flag_of
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.checked_options import choices_of, fields_of
from fitfeed.schemas.sharding import DEFAULT_SHARD_BYTES

FIELDS = fields_of(ConvertOptions)
GROUPED = (*USED, *STORED, *ARRANGED, *CHOSEN, *CLASSES, *FROM_TABLE)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    add_option_flags(made.add_argument_group("all"), GROUPED)
    return made


def test_every_option_has_one_flag() -> None:
    assert sorted(GROUPED) == sorted(FIELDS)
    assert set(SYNTAX) == {
        name for name, field in FIELDS.items() if not choices_of(field) and field.annotation is not bool
    }


def test_every_option_is_described_on_the_command_line() -> None:
    text = " ".join(parser().format_help().split())
    for name, field in FIELDS.items():
        assert field.description, name
        assert " ".join(field.description.split()) in text.replace("- ", "-"), name
        assert flag_of(name) in text
    assert "default: 89478485" in text
    assert "default: 255,255,255" in text
    assert "--seed N salt of order and split; default: 0" in text
    assert f"default: {DEFAULT_SHARD_BYTES >> 20}MiB" in text


def test_what_is_not_given_is_left_to_the_options() -> None:
    assert given_options(parser().parse_args([])) == {}


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (["--size", "200x300"], {"size": (200, 300)}),
        (["--shard-size", "64MiB"], {"shard_bytes": 64 << 20}),
        (["--channels", "1", "--depth", "16"], {"channels": 1, "depth": 16}),
        (["--background", "0,10,255"], {"background": (0, 10, 255)}),
        (["--stratify", "--split", "a=0.5,b=0.5"], {"stratify": True, "split": {"a": 0.5, "b": 0.5}}),
        (["--label-column", "a", "--label-column", "b:int"], {"label_columns": ["a", "b:int"]}),
        (["--seed", "0"], {"seed": 0}),
        (["--classes", "hat, pants"], {"classes": ["hat", "pants"]}),
        (
            ["--class-order", "text", "--drop-classes", "hat"],
            {"class_order": "text", "drop_classes": ["hat"]},
        ),
        (["--rename-class", "a=b", "--rename-class", "c = b"], {"rename_classes": {"a": "b", "c": "b"}}),
    ],
)
def test_what_is_given_reaches_the_options(arguments: list[str], given: dict[str, object]) -> None:
    found = given_options(parser().parse_args(arguments))
    assert found == given
    options = ConvertOptions.from_json(found)
    for name, value in given.items():
        assert getattr(options, name) == (tuple(value) if isinstance(value, list) else value)


def test_a_wrong_choice_is_refused_with_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--fit", "crop"])
    assert "'shorter', 'cover', 'contain', 'stretch'" in capsys.readouterr().err
