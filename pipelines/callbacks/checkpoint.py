"""A training state in one file: arrays, and where in the training they were taken."""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.files import atomic_write, sync_folder

VERSION = 1


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training has come.

    Attributes:
        epoch: Epoch that comes next, or that is under way.
        step: Steps of it that are done.
        steps: Steps per epoch.
        pipeline: What decides the examples of each step: `EpochCounter.identity`.
        logs: Metrics of the epoch under way, as of the last step.
        batch: Shapes and types of a batch, from `spec_to_json`.
    """

    epoch: int
    step: int
    steps: int
    pipeline: dict[str, Any]
    logs: dict[str, float]
    batch: Any


@dataclass(frozen=True)
class Checkpoint:
    """TrainingProgress, and the value of every variable then."""

    progress: TrainingProgress
    names: list[str]
    values: list[npt.NDArray[Any]]


def write_checkpoint(
    path: Path, progress: TrainingProgress, names: Sequence[str], values: Sequence[npt.NDArray[Any]]
) -> None:
    """Replaces a checkpoint atomically: killed at any moment, the old one or the new one is there.

    Args:
        path: The file.
        progress: How far the training has come.
        names: Of the variables; they need not differ.
        values: Of the variables, of any NumPy type, or bfloat16 and the like of ml_dtypes.
    """
    about = {
        "version": VERSION,
        **asdict(progress),
        "variables": [
            {"name": name, "dtype": value.dtype.name, "shape": value.shape}
            for name, value in zip(names, values, strict=True)
        ],
    }
    # As bytes: NumPy's format knows no bfloat16. The ZIP container adds a CRC-32 to each.
    arrays = {
        f"{number}": np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
        for number, value in enumerate(values)
    }
    content = io.BytesIO()
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(content, **arrays)  # type: ignore[arg-type]  # taken for allow_pickle, which is a keyword too
    with (
        content.getbuffer() as written
    ):  # where it fails, nothing of it may be left for the garbage collector
        atomic_write(path, written)
    sync_folder(path.parent)


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Reads a checkpoint, or None if there is none yet.

    Raises:
        DamagedDatasetError: If the file is not what was written.
        UsageError: If it is of a version that this fitfeed cannot read.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as content:
            about = json.loads(content["about"].tobytes())
            if about["version"] != VERSION:
                msg = f"{path} has version {about['version']}; this fitfeed reads version {VERSION}. Use the fitfeed that wrote it, or delete the file to train from the beginning."
                raise UsageError(msg)
            variables = about["variables"]
            values = [
                np.frombuffer(content[f"{number}"].tobytes(), _dtype(entry["dtype"])).reshape(entry["shape"])
                for number, entry in enumerate(variables)
            ]
        progress = TrainingProgress(**{field.name: about[field.name] for field in fields(TrainingProgress)})
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, UsageError):
            raise
        msg = f"{path} is damaged ({error}). Restore it, or delete it to train from the beginning."
        raise DamagedDatasetError(msg) from error
    return Checkpoint(progress, [entry["name"] for entry in variables], values)


def _dtype(name: str) -> np.dtype[Any]:
    import ml_dtypes  # comes with TensorFlow, which whoever wrote this had; registers bfloat16 and others

    return np.dtype(getattr(ml_dtypes, name, name))
