"""A shard that ends the process which reads it is a finding, and the next one is checked all the same."""

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.verify import guarded, verify_dataset
from fitfeed.converters.verify.report import FINDINGS_PER_FILE, Finding, Findings
from fitfeed.schemas.processes.guarded_calls import GuardedCallError, GuardedCalls
from tests.schemas.processes.test_guarded_calls import crash


class DyingOnce(GuardedCalls):
    """Crashes at the first shard."""

    crashed = False

    def begin(self, function: Any, *arguments: Any) -> None:
        if self.crashed:
            super().begin(function, *arguments)
        else:
            self.crashed = True
            super().begin(crash, int(signal.SIGSEGV))


def test_a_crash_is_a_finding_of_its_shard(dataset_hdf5: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fitfeed.converters.verify.dataset.GuardedCalls", DyingOnce)
    (finding,) = verify_dataset(dataset_hdf5).findings
    assert finding.kind in ("structure", "disagrees")
    assert finding.file.endswith(".h5")
    assert "the process that read it was given up, because it was killed by SIGSEGV" in finding.detail


class Answering:
    """Stands for a process that answers what it is told to."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def begin(self, *_arguments: Any) -> None:
        pass

    def result(self, _timeout_s: float) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Rows:
    """What `read_columns` asks of rows."""

    index_is_whole = True

    class shard:  # noqa: N801
        """The shard."""

        file, bytes = "train-00000-of-00001.h5", 1000


def found(answer: Any) -> Findings:
    findings = Findings()
    rows: Any = Rows
    calls: Any = Answering(answer)
    guarded.read_columns(
        guarded.SplitShard("/x/manifest.json", "/x/train.index.arrow", "train", 0),
        Path("/x/shard"),
        rows,
        [],
        findings,
        calls,
    )
    return findings


def test_findings_come_back_as_they_were() -> None:
    one = Finding(
        file="train-00000-of-00001.h5", kind="disagrees", detail="its height is 3", offset=7, example=1
    )
    content = {
        "file": one.file,
        "kind": one.kind,
        "detail": one.detail,
        "offset": 7,
        "example": 1,
        "key": None,
    }
    assert found({"kept": [content], "left_out": 0}).kept == [one]
    many = found({"kept": [content] * FINDINGS_PER_FILE, "left_out": 5})
    assert len(many.kept) == FINDINGS_PER_FILE
    assert many.left_out[one.file] == 5


def test_a_process_that_does_not_come_back() -> None:
    (finding,) = found(GuardedCallError("it takes longer than 120 s")).kept
    assert finding.kind == "structure"
    assert finding.detail.endswith("because it takes longer than 120 s")


@pytest.mark.parametrize("answer", [None, [], {"kept": [{"file": 3}], "left_out": 0}, {"kept": "x"}])
def test_an_answer_of_another_kind_is_refused(answer: Any) -> None:
    with pytest.raises(ValueError, match="validation error"):
        found(answer)


class Swapping(GuardedCalls):
    """The dataset has another manifest when its columns are read, as when an append has settled meanwhile."""

    dataset = Path()

    def begin(self, function: Any, *arguments: Any) -> None:
        (self.dataset / "manifest.json").write_bytes(b"another")
        super().begin(function, *arguments)


def test_columns_are_compared_with_the_manifest_that_was_checked(
    dataset_hdf5: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Swapping.dataset = shutil.copytree(dataset_hdf5, tmp_path / "dataset")
    monkeypatch.setattr("fitfeed.converters.verify.dataset.GuardedCalls", Swapping)
    assert verify_dataset(tmp_path / "dataset").findings == ()
