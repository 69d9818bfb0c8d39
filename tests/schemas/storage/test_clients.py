"""A client belongs to the process that made it."""

from tests.programs import run_program


def test_a_forked_child_is_told_to_be_spawned() -> None:
    program = """
import os
from fitfeed.schemas.storage.open_place import open_place

place = open_place("memory://bucket/flowers", "DATASET")
place.write("a", b"x")
if os.fork() == 0:
    acts = [lambda: place.read("a", at_most=1), lambda: list(place.files()), lambda: place.write("b", b"")]
    for act in acts:
        try:
            act()
        except OSError as error:
            print(error.filename, error.strerror, flush=True)
    os._exit(0)
os.wait()
print(place.read("a", at_most=1)[0])
"""
    lines = run_program(program).splitlines()
    assert len(lines) == 4
    assert all(
        'multiprocessing_context="spawn"' in line and "memory://bucket/flowers" in line for line in lines[:3]
    )
    assert lines[3] == "b'x'"


def test_a_child_that_was_forked_before_the_first_request_reads() -> None:
    program = """
import os
from fitfeed.schemas.storage.open_place import open_place

place = open_place("memory://bucket/flowers", "DATASET")
if os.fork() == 0:
    place.write("a", b"x")
    print(place.read("a", at_most=1)[0], flush=True)
    os._exit(0)
os.wait()
"""
    assert run_program(program) == "b'x'\n"
