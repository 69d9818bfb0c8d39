"""Models are found or refused, and their steps timed."""

from pathlib import Path

import pytest

from fitfeed.bench.model_step import check_backend, check_model_name, model_speed
from fitfeed.schemas.errors import UsageError


def test_a_model_is_a_file_or_a_known_name(tmp_path: Path) -> None:
    check_model_name("ResNet50")
    (tmp_path / "mine.keras").touch()
    check_model_name(str(tmp_path / "mine.keras"))
    with pytest.raises(
        UsageError, match=r"--model expects a .keras file or one of .*resnet50.* Received: resnet51"
    ):
        check_model_name("resnet51")
    with pytest.raises(UsageError, match=r"no such file. Received: --model other.keras"):
        check_model_name("other.keras")


def test_steps_are_timed_on_tensorflow_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    check_backend()
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(UsageError, match=r"Received: backend 'jax'\. Set KERAS_BACKEND=tensorflow for this"):
        model_speed("resnet50", batch_size=8, image_shape=(16, 16, 3))


@pytest.mark.slow
def test_the_backend_that_keras_itself_has_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    check_backend()
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(UsageError, match="backend 'torch'"):
        check_backend()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras with NumPy 2
def test_a_saved_model_is_timed(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    file = str(tmp_path / "mine.keras")
    layers = [keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)]
    keras.Sequential([keras.Input((16, 16, 3)), *layers]).save(file)
    steps: list[None] = []
    speed = model_speed(file, batch_size=8, image_shape=(16, 16, 3), progress=lambda: steps.append(None))
    assert speed.images_per_second == pytest.approx(8 / speed.step_s)
    assert speed.on == ("GPU" if tf.config.list_physical_devices("GPU") else "CPU")
    assert len(steps) >= 3
    with pytest.raises(UsageError, match=r"is not a model of images \(8, 8, 1\)"):
        model_speed(file, batch_size=8, image_shape=(8, 8, 1))


@pytest.mark.slow
def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.keras").write_text("nothing")
    with pytest.raises(UsageError, match="is not a model of images"):
        model_speed(str(tmp_path / "mine.keras"), batch_size=8, image_shape=(8, 8, 1))
