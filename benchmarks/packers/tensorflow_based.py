"""TensorFlow Datasets: a builder of one's own, as a generator and as a Beam pipeline."""

import io
import os
from typing import Any

from benchmarks.packers.task import Task, transcode

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def tfds_generator(task: Task) -> int:
    """A generator: one process, as `download_and_prepare` runs it."""
    return _prepare(task, beam=False)


def tfds_beam(task: Task) -> int:
    """The same by Beam's local runner in as many processes."""
    return _prepare(task, beam=True)


def example(file: tuple[str, int]) -> tuple[str, dict[str, Any]]:
    """Key and content of one example; TFDS stores encoded bytes as they are."""
    path, label = file
    return path, {"image": io.BytesIO(transcode(path)), "label": label}


def _prepare(task: Task, *, beam: bool) -> int:
    import tensorflow_datasets as tfds

    classes = len(list(task.source.iterdir()))

    class Pictures(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self) -> Any:
            features = {
                "image": tfds.features.Image(encoding_format="jpeg"),
                "label": tfds.features.ClassLabel(num_classes=classes),
            }
            return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager: Any) -> Any:
            return {"train": self._generate_examples(task.files())}

        def _generate_examples(self, files: list[tuple[str, int]]) -> Any:
            if not beam:
                return map(example, files)
            import apache_beam

            return apache_beam.Create(files) | apache_beam.Map(example)

    builder = Pictures(data_dir=str(task.target))
    builder.download_and_prepare(download_config=_with_beam(task) if beam else None)
    return int(builder.info.splits["train"].num_examples)


def _with_beam(task: Task) -> Any:
    """Beam in one process per worker. Its `DirectRunner` would first download an executable."""
    import tensorflow_datasets as tfds
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    options = ["--direct_running_mode=multi_processing", f"--direct_num_workers={task.workers}"]
    return tfds.download.DownloadConfig(beam_runner=FnApiRunner(), beam_options=PipelineOptions(options))
