"""What an installation takes is told by package."""

from pathlib import Path

from benchmarks.install_size import megabytes_of, table


def test_a_package_takes_the_files_of_its_list(tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "large" / "data.bin").write_bytes(b"x" * 12_000_000)
    (tmp_path / "not_listed.bin").write_bytes(b"x" * 1_000_000)
    info = tmp_path / "large-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: large\nVersion: 1.0\n")
    (info / "RECORD").write_text("large/data.bin,,\nlarge/gone.bin,,\n")
    assert megabytes_of(tmp_path) == {"large": 12.0}


def test_small_packages_share_a_row() -> None:
    base = {"small": 3.0, "large": 40.4}
    lines = table({"base": base, "tensorflow": {**base, "other": 2.0, "larger": 1000.0}})
    assert lines[2:] == [
        "| `larger` |  | 1,000 MB |",
        "| `large` | 40 MB | 40 MB |",
        "| up to 2 others, below 10 MB each | 3 MB | 5 MB |",
        "| all | **43 MB** | **1,045 MB** |",
    ]
