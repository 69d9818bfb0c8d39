"""What the parser of every command answers to what is written wrong."""

import argparse
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.cli import build_parser, main
from fitfeed.commands.parser import REPEATABLE, CommandParser, did_you_mean

POSITIONAL = {
    "convert": ["photos", "flowers"],
    "preview": ["flowers", "-o", "f.png"],
    "report": ["flowers", "-o", "f.png"],
}


def command_parsers() -> dict[str, CommandParser]:
    """The parser of each command, with all its flags."""
    parser = build_parser()
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for command in commands.choices.values():
        if command.add_flags is not None:
            command.add_flags(command)
            command.add_flags = None
    return dict(commands.choices)


def values_of(action: argparse.Action) -> list[str]:
    """Two values that an option takes; none if it takes none."""
    if action.nargs == 0:
        return []
    if action.choices:
        return [str(choice) for choice in action.choices][:2] * 2
    known = {"background": ["1,2,3", "4,5,6"], "split": ["a=1", "b=1"]}
    return known.get(action.dest, ["11", "12"])


FLAGS = [
    (command, action)
    for command, parser in command_parsers().items()
    for action in parser._actions
    if action.option_strings and not isinstance(action, argparse._HelpAction)
]


def test_all_parsers_are_of_one_class() -> None:
    assert {type(parser) for parser in command_parsers().values()} == {CommandParser}
    assert len(FLAGS) > 50


@pytest.mark.parametrize(
    ("command", "action"), FLAGS, ids=[f"{command} {action.option_strings[-1]}" for command, action in FLAGS]
)
def test_an_option_given_twice_names_both_values(
    command: str, action: argparse.Action, capsys: pytest.CaptureFixture[str]
) -> None:
    values, flag = values_of(action), action.option_strings[-1]
    times = [[flag, values[0]], [action.option_strings[0], values[1]]] if values else [[flag], [flag]]
    arguments = [command, *POSITIONAL.get(command, ["flowers"]), *times[0], *times[1]]
    if action.dest == "output" and "f.png" in arguments:
        arguments.remove("-o")
        arguments.remove("f.png")
    if isinstance(action, REPEATABLE):
        assert getattr(build_parser().parse_args(arguments), action.dest) is not None
        return
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    first, mend = capsys.readouterr().err.splitlines()
    both = f": {values[0]} and {values[1]}" if values else ""
    assert first == f"fitfeed {command}: {flag} is given twice{both}. Give it once."
    assert mend == f"Try: fitfeed {command} --help"


def test_the_same_parser_may_be_used_again() -> None:
    parser = build_parser()
    for _ in range(2):
        assert parser.parse_args(["verify", "flowers", "--json"]).json


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["convert", "a", "b", "--lables", "t.csv"], "there is no option --lables. Did you mean --labels?"),
        (["convert", "--qualty=9", "a", "b"], "there is no option --qualty. Did you mean --quality?"),
        (["preview", "a", "--ouput", "f.png"], "there is no option --ouput. Did you mean --output?"),
        (["verify", "a", "--qqqqqqqqqq"], "there is no option --qqqqqqqqqq"),
        (["verify", "a", "-x"], "there is no option -x"),
        (["convert", "a", "b", "--fit", "shortr"], "Did you mean shorter?"),
        (["convert", "a", "b", "--encoding", "jpg"], "Did you mean jpeg?"),
        (["verify", "a", "b"], "expected DATASET, and received more: b"),
        (["convrt", "a", "b"], "Did you mean convert?"),
    ],
)
def test_what_was_meant_is_suggested(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--json"])
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert message in printed.err.splitlines()[0]
    document = json.loads(printed.out)["error"]
    assert (document["status"], document["kind"], document["details"]) == (2, "UsageError", {})
    assert message in document["message"][0]


@given(st.text(max_size=20), st.lists(st.text(max_size=20)))
def test_only_names_that_exist_are_suggested(written: str, names: list[str]) -> None:
    said = did_you_mean(written, names)
    assert said == "" or said in [f". Did you mean {name}?" for name in names]


@given(st.permutations(["a", "b", "--size=4", "--append", "c"]))
def test_options_may_come_between_paths(arguments: list[str]) -> None:
    options = build_parser().parse_args(["convert", *arguments])
    *source, dataset = [argument for argument in arguments if not argument.startswith("-")]
    assert (options.source, options.dataset) == (source, dataset)
    assert (options.size, options.append) == (
        build_parser().parse_args(["convert", "a", "b", "--size", "4"]).size,
        True,
    )


def test_an_option_with_its_value_may_come_between_paths() -> None:
    options = build_parser().parse_args(["convert", "a", "b", "--format", "hdf5", "out"])
    assert (options.source, options.dataset, options.format) == (["a", "b"], "out", "hdf5")


ADDRESSES = ("hdfs://host/a", "gs://b", "az://a", "https://example.org/a", "file:///home/a")


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "arguments",
    [
        ["convert", "ADDRESS", "out"],
        ["convert", "photos", "ADDRESS"],
        ["convert", "photos", "ADDRESS", "--append"],
        ["convert", "photos", "ADDRESS", "--dry-run"],
        ["convert", "photos", "out", "--labels", "ADDRESS"],
        ["convert", "photos", "out", "--split-list", "train=ADDRESS"],
        ["convert", "photos", "out", "--classes", "@ADDRESS"],
        ["convert", "photos", "out", "--classes-from", "ADDRESS"],
        ["inspect", "ADDRESS"],
        ["verify", "ADDRESS"],
        ["preview", "ADDRESS", "-o", "f.png"],
        ["preview", "flowers", "-o", "ADDRESS.png"],
    ],
    ids=" ".join,
)
def test_an_address_is_never_a_folder(
    address: str,
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main([argument.replace("ADDRESS", address) for argument in arguments]) == 2
    assert address in capsys.readouterr().err.replace(".png", "")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
