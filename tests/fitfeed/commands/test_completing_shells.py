"""zsh and fish complete, each as its page says: a line is typed, Tab is pressed, and what the shell makes of it is read."""

import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STRANGE = "x'; touch made; '"
PATIENCE_S = 60.0

IN_ZSH = """\
PS1='> '; setopt nobeep; stty -echo
autoload -Uz compinit; compinit -u -D
eval "$(register-python-argcomplete fitfeed)"
_everything() { _main_complete; compstate[insert]=all }
zle -C everything complete-word _everything
one() { zle complete-word; print -r -- "$BUFFER" >> $ANSWERS; BUFFER= }
all() { zle everything; print -r -- "$BUFFER" >> $ANSWERS; BUFFER= }
zle -N one; zle -N all; bindkey '^O' one; bindkey '^T' all
print ready >> $ANSWERS
"""
"""Ctrl-O completes the line, Ctrl-T writes all that could complete it; both write the line to a file, and empty it."""

IN_FISH = "register-python-argcomplete --shell fish fitfeed | source; complete -C $argv[1]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("bin", "home", "place"):
        (tmp_path / name).mkdir()
    script = tmp_path / "bin" / "fitfeed"
    script.write_text(f"#!{sys.executable}\nimport sys\nfrom fitfeed.cli import main\nsys.exit(main())\n")
    script.chmod(0o755)
    shutil.copy(Path(sys.executable).parent / "register-python-argcomplete", tmp_path / "bin")
    place = tmp_path / "place"
    for name in ("photos/cats", "plain text", STRANGE, "a:b"):
        (place / name).mkdir(parents=True)
    for name in ("labels.csv", "test.txt", f"{STRANGE}/a b.csv"):
        (place / name).touch()
    (tmp_path / "home" / "photos").mkdir()
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "PYTHONPATH": str(ROOT),
        "TERM": "dumb",
        "ANSWERS": str(folder / "answers"),
    }


@contextmanager
def zsh(folder: Path) -> Iterator[Callable[[str, str], str]]:
    """A zsh that somebody types into: a function from a line and a key to the line that is there then."""
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    answers = folder / "answers"
    (folder / "setup").write_text(IN_ZSH)
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(
        ["zsh", "-f", "-i"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder / "place",
        env=environment(folder),
        start_new_session=True,
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    given = 0

    def press(text: str) -> str:
        nonlocal given
        os.write(ours, text.encode())
        screen, end = b"", time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                screen += os.read(ours, 1 << 16)  # else it would wait for somebody to look
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:  # the shell has ended
                break
            lines = answers.read_text().split("\n") if answers.exists() else [""]
            if len(lines) > given + 1:
                given += 1
                return lines[given - 1]
        raise AssertionError(screen.decode(errors="replace"))

    try:
        assert press(f"source {folder / 'setup'}\n") == "ready"
        yield lambda line, key: press(line + key)
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)


@pytest.mark.slow
def test_zsh_completes_a_line(folder: Path) -> None:
    strange = "x\\'\\;\\ touch\\ made\\;\\ \\'/"
    lines = {
        "fitfeed conv": "fitfeed convert ",
        "fitfeed convert ph": "fitfeed convert photos/",
        "fitfeed convert photos/": "fitfeed convert photos/cats/",
        "fitfeed convert old=ph": "fitfeed convert old=photos/",
        "fitfeed convert plain\\ te": "fitfeed convert plain\\ text/",
        'fitfeed convert "pl': 'fitfeed convert "plain text/',
        "fitfeed convert x": f"fitfeed convert {strange}",
        f"fitfeed convert {strange}": f"fitfeed convert {strange}a\\ b.csv ",
        "fitfeed convert a": "fitfeed convert a:b/",
        "fitfeed convert ~/ph": "fitfeed convert ~/ph",  # never `\~/photos/`, which is another folder
        "fitfeed convert photos/ out --fo": "fitfeed convert photos/ out --format ",
        "fitfeed convert photos/ out --format=h": "fitfeed convert photos/ out --format=hdf5 ",
        "fitfeed convert photos/ out --classes @te": "fitfeed convert photos/ out --classes @test.txt ",
        "fitfeed convert photos/ out --split-list test=te": "fitfeed convert photos/ out --split-list test=test.txt ",
    }
    with zsh(folder) as press:
        assert {line: press(line, "\x0f") for line in lines} == lines
        begun = "fitfeed convert photos/ out --format "
        assert press(begun, "\x14").removeprefix(begun).split() == ["tfrecord", "hdf5"]
        commands = press("fitfeed ", "\x14").split()[1:]
    assert set(commands) == {"estimate", "convert", "inspect", "verify", "preview", "report", "bench"}
    assert not (folder / "place" / "made").exists()


@pytest.mark.slow
def test_fish_completes_a_line(folder: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")

    def completed(line: str) -> list[str]:
        """What may take the place of the last word; fish itself quotes it."""
        done = subprocess.run(
            ["fish", "--no-config", "-c", IN_FISH, line],
            cwd=folder / "place",
            env=environment(folder),
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_S,
        )
        assert done.stderr == ""
        return [answer.partition("\t")[0] for answer in done.stdout.splitlines()]

    lines = {
        "fitfeed conv": ["convert"],
        "fitfeed convert ph": ["photos/"],
        "fitfeed convert old=ph": ["old=photos/"],
        "fitfeed convert plain\\ te": ["plain text/"],
        'fitfeed convert "pl': ["plain text/"],
        "fitfeed convert x": [f"{STRANGE}/"],
        "fitfeed convert a:": ["a:b/"],
        "fitfeed convert ~/ph": ["~/photos/"],
        "fitfeed convert photos/ out --fo": ["--format"],
        "fitfeed convert photos/ out --format ": ["hdf5", "tfrecord"],
        "fitfeed convert photos/ out --format=h": ["--format=hdf5"],
        "fitfeed convert photos/ out --split-list test=te": ["test=test.txt"],
    }
    assert {line: sorted(completed(line)) for line in lines} == lines
    assert not (folder / "place" / "made").exists()
