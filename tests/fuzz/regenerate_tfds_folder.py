"""Lets TensorFlow Datasets prepare the folder that the fuzz tests damage: `python -m tests.fuzz.regenerate_tfds_folder`.

The folder is in the repository, because TFDS takes seconds to import, and is not needed to read what it wrote.
"""

import shutil
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data" / "prepared_by_tfds"


def main() -> None:
    """Writes it anew."""
    from tests.converters.sources.prepared_by_tfds import prepare

    with tempfile.TemporaryDirectory() as temporary:
        shutil.rmtree(FOLDER, ignore_errors=True)
        shutil.copytree(prepare(Path(temporary)), FOLDER)


if __name__ == "__main__":
    main()
