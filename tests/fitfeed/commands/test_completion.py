"""What a shell is told when Tab is pressed: asked as bash asks, and once by bash itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LISTED = "import sys\nfrom fitfeed.cli import main\ntry:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"


def completed(line: str, folder: Path, *, program: str = "from fitfeed.cli import main; main()") -> list[str]:
    """What completes a line, asked as argcomplete's function for bash does: descriptor 8 has the answer."""
    reading, writing = os.pipe()
    command = [sys.executable, "-c", program]
    variables = {
        "COMP_LINE": line,
        "COMP_POINT": str(len(line.encode())),
        "COMP_TYPE": "9",
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_COMP_WORDBREAKS": " \t\n\"'><=;|&(:",
        "_ARGCOMPLETE_IFS": "\013",
        "_ARGCOMPLETE_SHELL": "bash",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
    }
    with os.fdopen(reading) as answer:
        process = subprocess.Popen(
            ["bash", "-c", 'exec "$@" 8>&' + str(writing) + " 9>/dev/null", "bash", *command],
            env={**os.environ, "HOME": str(folder), "PYTHONPATH": str(ROOT), **variables},
            cwd=folder,
            pass_fds=[writing],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        os.close(writing)
        text = answer.read()
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b""), err
    return text.split("\013") if text else []


STRANGE = "x'; touch made; '"
SHELL_STRANGE = "x\\'\\;\\ touch\\ made\\;\\ \\'"
"""A folder's name, and what stands for it in a line of bash."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("photos", "photos/cats", "plain text", STRANGE):
        (tmp_path / name).mkdir()
    for name in ("labels.csv", "test.txt", ".hidden", f"{STRANGE}/a b.csv", "test\033[2J"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("fitfeed ", {"estimate", "convert", "inspect", "verify", "preview", "report", "bench"}),
        ("fitfeed conv", {"convert"}),
        ("fitfeed convert ", {"photos/", "plain\\ text/", "labels.csv", "test.txt", f"{SHELL_STRANGE}/"}),
        ("fitfeed convert pl", {"plain\\ text/"}),
        ("fitfeed convert .", {".hidden"}),
        ("fitfeed convert ~/ph", {"~/photos/"}),
        (f"fitfeed convert {SHELL_STRANGE}", {f"{SHELL_STRANGE}/"}),
        (f"fitfeed convert {SHELL_STRANGE}/", {f"{SHELL_STRANGE}/a\\ b.csv"}),
        ('fitfeed convert "x', {f"{STRANGE}/"}),
        ("fitfeed convert nowhere/", set()),
        ("fitfeed convert gs://bucket/", set()),
        ("fitfeed convert old=ph", {"photos/"}),  # bash has the rest already
        ("fitfeed report out --source old=ph", {"photos/"}),
        ("fitfeed report out --source ph", {"photos/"}),
        ("fitfeed convert photos/", {"photos/cats/"}),
        ("fitfeed convert photos/ --fo", {"--format"}),
        ("fitfeed convert photos/ out --format ", {"tfrecord", "hdf5"}),
        ("fitfeed convert photos/ out --format=h", {"hdf5"}),
        ("fitfeed convert photos/ out --size 3 more --qua", {"--quality"}),
        ("fitfeed convert photos/ out --labels lab", {"labels.csv"}),
        ("fitfeed convert photos/ out --classes @te", {"@test.txt"}),
        ("fitfeed convert photos/ out --split-list test=te", {"test.txt"}),
        ("fitfeed convert photos/ out --size ", set()),
        ("fitfeed convert photos/ out --append --over", set()),  # both together mean nothing
        ("fitfeed convert photos/ out --size 3 --size 4 --dep", {"--depth"}),
        ("fitfeed bench --dtype ", {"float32", "bfloat16", "float16", "uint8"}),
        ("fitfeed bench out --model te", {"test.txt"}),
        ("fitfeed preview out -", {"-h", "--help", "-o", "--output"}),
    ],
)
def test_what_completes_a_line(line: str, answer: set[str], folder: Path) -> None:
    found = set(completed(line, folder))
    assert found >= answer if line.endswith(" -") else found == answer


@pytest.mark.parametrize("written", [SHELL_STRANGE, f'"{STRANGE}', "p", "~/p"])
def test_no_program_is_started_for_a_name(written: str, folder: Path) -> None:
    """Whatever argcomplete does: 3.5 and 3.6 give names to bash, unquoted."""
    told = "sys.addaudithook(lambda event, _: event in STARTS and os.write(2, f'{event}\\n'.encode()))\n"
    starts = (
        'STARTS = {"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn", "pty.spawn"}\n'
    )
    program = (
        f"import os, sys\n{starts}{told}sys.stderr = open('said', 'w')\nos.dup2(sys.stderr.fileno(), 2)\n"
    )
    assert completed(
        f"fitfeed convert {written}", folder, program=f"{program}from fitfeed.cli import main; main()"
    )
    assert (folder / "said").read_text() == ""
    assert not (folder / "made").exists()


@pytest.mark.parametrize("line", ["fitfeed ", "fitfeed convert photos/ out --format "])
def test_the_shell_waits_for_no_library(line: str, folder: Path) -> None:
    loads = "import os, sys\nos._exit = sys.exit\n" + LISTED + "\n"
    reading = folder / "modules"
    completed(line, folder, program=loads.replace("file=sys.stderr", f"file=open({str(reading)!r}, 'w')"))
    loaded = {name.partition(".")[0] for name in reading.read_text().split()}
    assert "argcomplete" in loaded
    assert not loaded & {
        "apache_beam",
        "tensorflow",
        "keras",
        "numpy",
        "pyarrow",
        "h5py",
        "cv2",
        "PIL",
        "tqdm",
    }


def test_nobody_else_waits_for_argcomplete() -> None:
    code = "import sys\nfrom fitfeed.cli import main\nmain(['--version'])\nsys.exit('argcomplete' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, check=False, timeout=60).returncode == 0
    )


@pytest.mark.parametrize("file", ["cli.py", "__main__.py"])
def test_shells_that_complete_all_programs_find_the_mark(file: str) -> None:
    assert b"PYTHON_ARGCOMPLETE_OK" in (ROOT / "fitfeed" / file).read_bytes()[:1024]


IN_BASH = """\
eval "$(register-python-argcomplete fitfeed)"
complete -p fitfeed
COMP_LINE="$1" COMP_POINT=${#1} COMP_TYPE=9 COMP_CWORD=$2
_python_argcomplete fitfeed "" ""
printf '%s\\n' "${COMPREPLY[@]}"
"""


def test_bash_itself_completes(folder: Path) -> None:
    """As its page says: `eval "$(register-python-argcomplete fitfeed)"`, and then Tab."""
    programs = folder / "bin"
    programs.mkdir()
    script = programs / "fitfeed"
    script.write_text(f"#!{sys.executable}\nimport sys\nfrom fitfeed.cli import main\nsys.exit(main())\n")
    script.chmod(0o755)
    registers = Path(sys.executable).parent / "register-python-argcomplete"
    shutil.copy(registers, programs)
    done = subprocess.run(
        ["bash", "--norc", "-c", IN_BASH, "bash", "fitfeed convert photos/ out --encoding "],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    first, *answers = done.stdout.split()
    assert first == "complete", done.stderr
    assert answers[-4:] == ["keep", "jpeg", "png", "raw"]
