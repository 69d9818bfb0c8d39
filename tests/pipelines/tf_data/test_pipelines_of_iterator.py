"""Which pipelines an iterator reads, through whatever was built on them."""

import tensorflow as tf

from fitfeed.pipelines import Dataset, make_pipeline
from fitfeed.pipelines.tf_data.pipelines_of_iterator import counters_of, made_of


def pipeline(dataset: Dataset) -> tf.data.Dataset:
    return make_pipeline(dataset, "train", batch_size=8, image_size=(8, 8), processes=0)


def test_what_passes_on_each_batch_is_followed(thumbnails: Dataset) -> None:
    train = pipeline(thumbnails)
    found = made_of(iter(train))
    assert found is not None
    mapped = iter(train.map(lambda image, label: (image + 1, label)).prefetch(2).repeat(2).take(3))
    assert made_of(mapped) == (found[0], 0)
    tuned = iter(train.map(lambda image, label: (image, label)).prefetch(tf.data.AUTOTUNE))
    assert made_of(tuned) == (found[0], 1)
    assert counters_of(mapped) == counters_of(tuned)
    assert len(counters_of(mapped)) == 1


def test_what_makes_other_batches_of_them_is_not(thumbnails: Dataset) -> None:
    train = pipeline(thumbnails)
    for other in (
        train.unbatch().batch(3),
        train.cache(),
        train.skip(1),
        tf.data.Dataset.zip((train, train)),
        train.shuffle(4),
        tf.data.Dataset.range(3),
    ):
        assert made_of(iter(other)) is None
    assert len(counters_of(iter(tf.data.Dataset.zip((train, pipeline(thumbnails)))))) == 2
