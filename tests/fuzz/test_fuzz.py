"""Thousands of damaged files: each is converted or rejected; none crashes, hangs, or eats memory."""

import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.images.diagnose import jpeg_frame, unidentified
from fitfeed.converters.rejects import Reason
from fitfeed.schemas.tfrecord import CorruptRecordError, iter_records, masked_crc32c
from tests.fuzz import checks
from tests.fuzz.corpus import images
from tests.fuzz.harness import Check, run
from tests.fuzz.mutate import mutated

SEED = 2026


def test_damaged_images() -> None:
    assert run(checks.image_check, (SEED,), range(500)) == []


@pytest.mark.parametrize("kind", ["tfrecord", "hdf5"])
def test_damaged_containers(kind: str) -> None:
    assert run(checks.container_check, (SEED, kind), range(100)) == []


@pytest.mark.slow
def test_many_damaged_images() -> None:
    assert run(checks.image_check, (SEED + 1,), range(30_000)) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tfrecord", "hdf5"])
def test_many_damaged_containers(kind: str) -> None:
    assert run(checks.container_check, (SEED + 1, kind), range(5000)) == []


def test_damage_is_varied_and_repeatable() -> None:
    corpus = images()
    made = [mutated(corpus, seed=1, number=number) for number in range(300)]
    assert made == [mutated(corpus, seed=1, number=number) for number in range(300)]
    assert len(set(made)) > 290
    outcomes = {checks.check_image(data, checks.OPTIONS[0]) for data in made}
    assert outcomes >= {"ok", "corrupt", "truncated", "not_an_image", "unsupported_format"}


def test_whole_files_of_the_corpus_pass() -> None:
    for data in set(images()):
        for options in checks.OPTIONS:
            checks.check_image(data, options)


def faulty_check(_: int) -> Check:
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


def test_the_harness_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.harness.LIMIT_S", 2.0)
    findings = {finding.number: finding.what for finding in run(faulty_check, (0,), range(12))}
    assert list(findings) == [3, 5, 7, 9]
    assert "ValueError: wrong" in findings[3]
    assert "exit code -6" in findings[5]
    assert "MemoryError" in findings[7]
    assert "no answer after 2 s" in findings[9]


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
    checks.check_image(data, checks.OPTIONS[0])


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(0, 300), st.binary(max_size=20))
def test_records_are_whole_or_named(records: list[bytes], at: int, junk: bytes) -> None:
    data = checks.sealed(
        b"".join(len(body).to_bytes(8, "little") + bytes(4) + body + bytes(4) for body in records)
    )
    assert [record for _, record in iter_records(io.BytesIO(data))] == records
    checks.check_records(data[:at] + junk + data[at + len(junk) :])
    checks.check_records(data[:at])


@pytest.mark.parametrize("length", [1 << 20, 1 << 32, (1 << 63) - 1, (1 << 64) - 1])
def test_a_forged_length_allocates_nothing(length: int) -> None:
    header = length.to_bytes(8, "little")
    data = header + masked_crc32c(header).to_bytes(4, "little") + b"short"
    with pytest.raises(CorruptRecordError, match="the file ends inside it"):
        list(iter_records(io.BytesIO(data)))
