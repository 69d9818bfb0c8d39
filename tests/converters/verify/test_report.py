"""Findings, kept within bounds."""

from fitfeed.converters.verify.report import FINDINGS_PER_FILE, BesideReport, Finding, Findings, Report


def finding(file: str, number: int = 0) -> Finding:
    return Finding(file=file, kind="payload", detail="its image has other bytes", example=number)


def test_findings_keep_their_order() -> None:
    findings = Findings()
    findings.add(finding("b", 1))
    findings.extend([finding("a", 2), finding("b", 3)])
    assert [(found.file, found.example) for found in findings.all()] == [("b", 1), ("a", 2), ("b", 3)]


def test_a_file_has_a_bounded_number_and_the_others_are_counted() -> None:
    findings = Findings()
    findings.extend(finding("replaced", number) for number in range(FINDINGS_PER_FILE + 7))
    findings.add(finding("other"))
    *kept, more = findings.all()
    assert len(kept) == FINDINGS_PER_FILE + 1
    assert kept[-1].file == "other"
    assert (more.file, more.kind, more.detail) == (
        "replaced",
        "more",
        "at least 7 more findings, left out",
    )


def test_a_report_in_json_types() -> None:
    assert Report(findings=()).ok
    beside = (BesideReport(file="sources.arrow", damage="it is cut"),)
    report = Report(
        findings=(finding("a", 5),), fingerprint="f", files=2, bytes=30, examples=4, beside=beside
    )
    assert not report.ok
    assert report.to_dict() == {
        "ok": False,
        "findings": [
            {
                "file": "a",
                "kind": "payload",
                "detail": "its image has other bytes",
                "offset": None,
                "example": 5,
                "key": None,
            }
        ],
        "checked": {"fingerprint": "f", "files": 2, "bytes": 30, "examples": 4},
        "beside": [{"file": "sources.arrow", "damage": "it is cut"}],
    }
