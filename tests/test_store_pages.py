"""What docs/object-stores.md shows runs as written, with the endpoint of a store of this process."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitfeed.schemas.storage import clients
from fitfeed.schemas.storage.open_place import open_place
from tests.documented import ROOT, blocks, copy_photos, run_page
from tests.schemas.storage.test_documented import PAGE, VARIABLE
from tests.servers.cloud_storage import CloudStorage
from tests.servers.stores import environment_of

EXCUSE = "needs a bucket, which tests/test_store_pages.py has"
FEW = {"train": 4, "validation": 2}
STORES = ROOT / "docs" / "object-stores.md"


@pytest.fixture
def my_bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`gs://my-bucket` and `s3://my-bucket` are one bucket, which is found as the page says."""
    with contextlib.closing(CloudStorage()) as server:
        server.bucket("my-bucket")
        for name, value in (environment_of("gs", server.port) | environment_of("s3", server.port)).items():
            assert name in VARIABLE.findall(PAGE)
            monkeypatch.setenv(name, value)
        clients._clients.clear()
        yield
        clients._clients.clear()


def test_all_blocks_that_are_excused_on_the_page_run_here() -> None:
    assert list(blocks(STORES)) == []
    shown = PAGE.count("```console\n") + PAGE.count("```python\n") + PAGE.count("```bash\n")
    assert len(list(blocks(STORES, excuse=EXCUSE))) == shown == 3


@pytest.mark.slow
@pytest.mark.usefixtures("my_bucket")
def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_photos(tmp_path / "bucket" / "photos", FEW)
    photos = open_place("gs://my-bucket/photos", "SOURCE")
    rows, unwanted = ["path,species"], []
    for path in sorted((tmp_path / "bucket" / "photos").rglob("*.jpg")):
        name = path.relative_to(tmp_path / "bucket" / "photos").as_posix()
        photos.write(name, path.read_bytes())
        rows.append(f"{name},{path.parent.name}")
        unwanted.append(name)
    photos.write("labels.csv", "\n".join([*rows, ""]).encode())
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "unwanted.txt").write_text(f"{unwanted[0]}\n{unwanted[7]}\n")
    monkeypatch.chdir(folder)
    assert run_page(STORES, folder, FEW, excuse=EXCUSE) == 3
    found = {found.name for found in open_place("gs://my-bucket/small", "DATASET").files()}
    assert "manifest.json" in found
    assert (folder / "flowers.png").stat().st_size > 1000
    assert any((folder / "flowers-cache").rglob("*"))
