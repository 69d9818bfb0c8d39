"""Damaged inputs of every kind: each has a documented answer; none crashes, hangs, or eats memory.

Here a few of each are tried. `make fuzz` tries as many as a minute has time for, and `python -m tests.fuzz` as many as one
likes: see CONTRIBUTING.md.
"""

import io
import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.images.diagnose import jpeg_frame, unidentified
from fitfeed.converters.rejects import Reason
from fitfeed.schemas.tfrecord import CorruptRecordError, iter_records, masked_crc32c
from tests.fuzz.harness import Check, run
from tests.fuzz.hdf5_checksums import lookup3, with_checksums
from tests.fuzz.mutate import mutated
from tests.fuzz.mutate_json import damaged_json
from tests.fuzz.target import SAVED
from tests.fuzz.target_table import TARGETS, target_check
from tests.fuzz.targets.images import OPTIONS, check_image
from tests.fuzz.targets.tfrecord import check_records, sealed
from tests.fuzz.watch_folder import touched_in
from tests.fuzz.whole_images import images

SEED = 2026
INPUTS = {"images": 300, "payloads": 300, "tables": 60}
"""How many are tried of each target, besides its saved corpus. Of others: 15."""


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_damaged_inputs(name: str) -> None:
    count = len(TARGETS[name].saved()) + INPUTS.get(name, 15)
    result = run(target_check, (name, SEED), range(count))
    assert result.findings == []
    assert result.inputs == count


def test_every_saved_input_has_its_target() -> None:
    assert {path.name for path in SAVED.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_a_seed_repeats_a_run(name: str) -> None:
    one, again, other = (TARGETS[name].maker(seed) for seed in (1, 1, 2))
    numbers = range(len(TARGETS[name].saved()), len(TARGETS[name].saved()) + 40)
    made = [one(number) for number in numbers]
    assert made == [again(number) for number in numbers]
    assert made != [other(number) for number in numbers]
    assert len(set(made)) > 25


def test_damage_is_varied_and_repeatable() -> None:
    corpus = images()
    made = [mutated(corpus, seed=1, number=number) for number in range(300)]
    assert made == [mutated(corpus, seed=1, number=number) for number in range(300)]
    assert len(set(made)) > 290
    outcomes = {check_image(data, OPTIONS[0]) for data in made}
    assert outcomes >= {"ok", "corrupt", "truncated", "not_an_image", "unsupported_format"}


@pytest.mark.slow
def test_whole_files_of_the_corpus_pass() -> None:
    for data in set(images()):
        for options in OPTIONS:
            check_image(data, options)


def faulty_check(folder: Path) -> Check:
    """Does everything that the harness must notice."""

    def check(number: int) -> None:
        if number == 3:
            raise ValueError("wrong")
        if number == 5:
            import os

            os.abort()
        if number == 7:
            bytearray(8 << 30)
        if number == 9:
            time.sleep(1000)

    return check


@pytest.mark.slow
def test_the_harness_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.harness.LIMIT_S", 2.0)
    result = run(faulty_check, (), range(12))
    findings = {finding.number: finding.what for finding in result.findings}
    assert [finding.kind for finding in result.findings] == ["exception", "signal", "exception", "hang"]
    assert list(findings) == [3, 5, 7, 9]
    assert "ValueError: wrong" in findings[3]
    assert "exit code -6 (SIGABRT)" in findings[5]
    assert "MemoryError" in findings[7]
    assert "no answer after 2 s" in findings[9]
    assert result.inputs == 12
    assert 1 << 24 < result.peak_bytes < 1 << 31


def test_a_run_ends_in_time() -> None:
    assert run(faulty_check, (), range(1), seconds=0).inputs == 1


def test_a_watched_folder_notices_links_and_names(tmp_path: Path) -> None:
    (tmp_path / "canary").mkdir()
    (tmp_path / "link").symlink_to("canary")
    with touched_in(tmp_path / "canary") as touched:
        (tmp_path / "beside").write_text("")
        (tmp_path / "link").lstat()
        (tmp_path / "link").rename(tmp_path / "link 2")
    assert touched == []
    with touched_in(tmp_path / "canary") as touched:
        (tmp_path / "link 2" / "new").write_text("")
        list((tmp_path / "link 2").iterdir())
    first, second = (event.split()[0] for event in touched)
    assert (first, second) in (
        ("open", "os.listdir"),
        ("open", "os.scandir"),
    )  # the latter from Python 3.13 on


def test_a_folder_in_a_watched_folder_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "canary" / "source").mkdir(parents=True)
    with touched_in(tmp_path / "canary", besides=tmp_path / "canary" / "source") as touched:
        (tmp_path / "canary" / "source" / "new").write_text("")
        descriptor = os.open(tmp_path / "canary" / "source", os.O_RDONLY)
        os.close(os.open("new", os.O_RDONLY, dir_fd=descriptor))
        assert touched == []
        with pytest.raises(FileNotFoundError):
            os.open("../new", os.O_RDONLY, dir_fd=descriptor)
        with pytest.raises(FileNotFoundError):
            os.open(tmp_path / "canary" / "source" / ".." / "new", os.O_RDONLY)
        os.close(descriptor)
    assert touched == ["open ../new", f"open {tmp_path / 'canary' / 'new'}"]


def test_checksums_of_hdf5_are_those_of_the_library() -> None:
    assert lookup3(b"Four score and seven years ago") == 0x17770551  # in the comment of lookup3.c
    whole = (SAVED / "hdf5" / "links_whole.h5").read_bytes()
    assert with_checksums(whole) == whole
    for at in (20, whole.index(b"OHDR") + 30, whole.index(b"FRHP") + 40):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        assert sum(a != b for a, b in zip(with_checksums(bytes(damaged)), damaged, strict=True)) in range(
            1, 5
        )


@pytest.mark.slow
def test_json_is_damaged_in_what_it_says() -> None:
    text = b'{"a": [1, 2, {"b": "c"}], "d": null}'
    made = {damaged_json([text], random.Random(number)) for number in range(3000)}
    assert any(text.count(b'"a"') == 2 for text in made)
    assert {b'{"a": [1,2,{"b": "c"}],"d": NaN}', b'{"a": [1,2,{"b": "c"}]}'} <= made


MAGIC = st.sampled_from(
    [b"", b"\xff\xd8\xff", b"\x89PNG", b"GIF89a", b"BM", b"II*\0", b"RIFF\0\0\0\0WEBP", b"<svg", b"8BPS"]
)


@given(MAGIC, st.binary(max_size=200))
def test_any_bytes_have_a_verdict(magic: bytes, rest: bytes) -> None:
    data = magic + rest
    assert jpeg_frame(data) is None or 0xC0 <= (jpeg_frame(data) or 0) <= 0xCF
    reason, detail = unidentified(data, ValueError("no"))
    assert reason in Reason.__args__  # type: ignore[attr-defined]
    assert detail
    check_image(data, OPTIONS[0])


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(0, 300), st.binary(max_size=20))
def test_records_are_whole_or_named(records: list[bytes], at: int, junk: bytes) -> None:
    data = sealed(b"".join(len(body).to_bytes(8, "little") + bytes(4) + body + bytes(4) for body in records))
    assert [record for _, record in iter_records(io.BytesIO(data))] == records
    check_records(data[:at] + junk + data[at + len(junk) :])
    check_records(data[:at])


@pytest.mark.parametrize("length", [1 << 20, 1 << 32, (1 << 63) - 1, (1 << 64) - 1])
def test_a_forged_length_allocates_nothing(length: int) -> None:
    header = length.to_bytes(8, "little")
    data = header + masked_crc32c(header).to_bytes(4, "little") + b"short"
    with pytest.raises(CorruptRecordError, match="the file ends inside it"):
        list(iter_records(io.BytesIO(data)))
