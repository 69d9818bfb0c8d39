"""All targets of the fuzz tests: every place where bytes of strangers come in."""

from pathlib import Path

from tests.fuzz.harness import Check
from tests.fuzz.target import Target
from tests.fuzz.targets.arrow_files import ARROW_FILES
from tests.fuzz.targets.hdf5 import HDF5
from tests.fuzz.targets.images import IMAGES
from tests.fuzz.targets.manifests import MANIFESTS
from tests.fuzz.targets.payloads import PAYLOADS
from tests.fuzz.targets.staging import STAGING
from tests.fuzz.targets.tables import TABLES
from tests.fuzz.targets.tfds_folders import TFDS_FOLDERS
from tests.fuzz.targets.tfrecord import TFRECORD

TARGETS = {
    target.name: target
    for target in (IMAGES, PAYLOADS, TABLES, MANIFESTS, ARROW_FILES, HDF5, TFRECORD, TFDS_FOLDERS, STAGING)
}


def target_check(folder: Path, name: str, seed: int) -> Check:
    """The check of a target, for `tests.fuzz.harness.run`."""
    target = TARGETS[name]
    make = target.maker(seed)
    warm_up(target, folder)

    def check(number: int) -> None:
        target.check(make(number), folder)

    return check


def file_check(folder: Path, name: str, files: tuple[bytes, ...]) -> Check:
    """The check of a target on inputs that were found."""
    target = TARGETS[name]
    warm_up(target, folder)

    def check(number: int) -> None:
        target.check(files[number], folder)

    return check


def warm_up(target: Target, folder: Path) -> None:
    """Checks a whole input before memory is limited: libraries are imported, and Arrow reserves a gigabyte."""
    target.check(target.whole()[0], folder)
