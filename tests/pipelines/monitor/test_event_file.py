"""TensorFlow reads the files that are written without it."""

from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.util import event_pb2

from fitfeed.pipelines.monitor.event_file import EventFile


def test_tensorflow_reads_the_scalars(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "runs" / "first")
    file.write(3, {"input/waiting_ms": 1.5, "ünì": -2.0})
    file.write_all([(2**40, {"a": 1e30}), (5, {"a" * 300: 0.0})])
    records = tf.data.TFRecordDataset(str(file.path)).as_numpy_iterator()
    events = [event_pb2.Event.FromString(record) for record in records]
    assert events[0].file_version == "brain.Event:2"
    found = [
        (event.step, {value.tag: value.simple_value for value in event.summary.value}) for event in events[1:]
    ]
    assert found[0] == (3, {"input/waiting_ms": 1.5, "ünì": -2.0})
    assert found[1][1]["a"] == pytest.approx(1e30)
    assert [step for step, _ in found] == [3, 2**40, 5]
    assert found[2][1] == {"a" * 300: 0.0}
    assert all(event.wall_time > 1.7e9 for event in events)


def test_two_files_do_not_meet(tmp_path: Path) -> None:
    assert EventFile(tmp_path).path != EventFile(tmp_path).path
    assert all("tfevents" in path.name for path in tmp_path.iterdir())
