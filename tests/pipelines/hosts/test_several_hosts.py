"""Several workers, which are real processes, train as one worker with the larger batch, and each reads its part.

What they compute is softmax regression from zero by gradient descent. NumPy computes here what it should be.
"""

import hashlib
import importlib.util
import json
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import Dataset, make_pipeline
from tests.pipelines.hosts.softmax_regression import RATE, initial_weights, loss_and_slope
from tests.programs import run_program

BATCH, WORKERS, EPOCHS = 4, 2, 2
OPTIONS: dict[str, Any] = {"image_size": (8, 8), "seed": 3, "processes": 0}
STEPS = 53 // (BATCH * WORKERS)

BEGIN = f"""
import json, sys
from tests.pipelines.hosts.recorded_reads import record_reads
reads = record_reads()
from fitfeed import make_pipeline
def pipeline(split):
    return make_pipeline(sys.argv[1], split, batch_size={BATCH}, shard="auto", **{OPTIONS})
"""

FIT = f"""
import keras
class Losses(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.of_steps = []
    def on_train_batch_end(self, batch, logs=None):
        self.of_steps.append(float(logs["loss"]))
def built():
    layers = [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3, kernel_initializer="zeros")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD({RATE}), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model
def fitted(model, train, validation):
    losses = Losses()
    history = model.fit(train, validation_data=validation, epochs={EPOCHS}, verbose=0, callbacks=[losses])
    return {{"losses": losses.of_steps, "val_losses": history.history["val_loss"]}}
"""

MULTI_WORKER = f"""
import numpy as np
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
{BEGIN}
def loss_of(images, labels):
    logits = tf.reshape(images, (-1, 192)) @ weights + bias
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
def train_step(images, labels):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(loss_of(images, labels))
    slopes = tape.gradient(loss, [weights, bias])
    slopes = tf.distribute.get_replica_context().all_reduce("MEAN", slopes)
    weights.assign_sub({RATE} * slopes[0])
    bias.assign_sub({RATE} * slopes[1])
    return loss
@tf.function
def step(batch):
    return strategy.reduce("MEAN", strategy.run(train_step, args=batch), axis=None)
with strategy.scope():
    weights, bias = tf.Variable(tf.zeros((192, 3))), tf.Variable(tf.zeros(3))
train = strategy.distribute_datasets_from_function(lambda context: pipeline("train"))
validation = pipeline("validation")
losses, val_losses = [], []
for _ in range({EPOCHS}):
    of_epoch = []
    for batch in train:
        of_epoch.append(step(batch).numpy())
        losses.append(float(np.mean(of_epoch)))
    val_losses.append(float(np.concatenate([loss_of(*batch) for batch in validation]).mean()))
trained = list(reads)
cut = make_pipeline(sys.argv[1], "train", batch_size={BATCH}, shard="auto", output="dict", **{OPTIONS})
keys = [
    [key.decode() for keys in strategy.experimental_local_results(batch["key"]) for key in keys.numpy()]
    for batch in strategy.experimental_distribute_dataset(cut)
]
print(json.dumps({{"losses": losses, "val_losses": val_losses, "reads": trained, "keys": keys}}))
"""

JAX = f"""
import sys
import jax
jax.distributed.initialize(sys.argv[2], num_processes={WORKERS}, process_id=int(sys.argv[3]))
{BEGIN}{FIT}
keras.distribution.set_distribution(keras.distribution.DataParallel())
try:
    pipeline("train")
except ValueError as error:
    refused = str(error)
keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
result = fitted(built(), pipeline("train"), pipeline("validation"))
print(json.dumps({{**result, "reads": reads, "refused": refused}}))
"""

RANKS = f"""
import time
from multiprocessing.connection import Client, Listener
import numpy as np
{BEGIN}
from tests.pipelines.hosts.softmax_regression import *
def connected(address):
    if sys.argv[3] == "0":
        return Listener(address).accept()
    while True:
        try:
            return Client(address)
        except ConnectionRefusedError:
            time.sleep(0.05)
other = connected(("127.0.0.1", int(sys.argv[2])))
def mean_of_all(value):
    other.send(value)
    return (value + other.recv()) / 2
from fitfeed.pipelines.hosts.choose_shard import choose_shard
assert choose_shard("auto", split="train", shuffle=True) == (int(sys.argv[3]), {WORKERS})
imported = sorted({{"jax", "keras", "tensorflow", "torch"}} & set(sys.modules))
train, validation = pipeline("train"), pipeline("validation")
weights, losses, val_losses = initial_weights((8, 8, 3)), [], []
for _ in range({EPOCHS}):
    of_epoch = []
    for images, labels in train.as_numpy_iterator():
        values, slope = loss_and_slope(weights, images, labels)
        weights = weights - RATE * mean_of_all(slope)
        of_epoch.append(mean_of_all(values.mean()))
        losses.append(np.mean(of_epoch))
    val_losses.append(np.concatenate([loss_and_slope(weights, *batch)[0] for batch in validation.as_numpy_iterator()]).mean())
print(json.dumps({{"losses": losses, "val_losses": val_losses, "imported": imported, "reads": reads}}))
"""


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody uses now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def run_workers(program: str, *arguments: object, environments: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Runs a program as several workers at once; returns what each has printed last."""

    def run(index: int) -> dict[str, Any]:
        printed = run_program(program, *arguments, index, TF_CPP_MIN_LOG_LEVEL="3", **environments[index])
        result: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return result

    with ThreadPoolExecutor(len(environments)) as pool:
        return list(pool.map(run, range(len(environments))))


def expected_losses(flowers: Dataset, *, first_epoch: int) -> dict[str, list[float]]:
    """Trains one worker with the batch of all. Losses of steps are running means over an epoch, as `fit` shows them."""
    train = make_pipeline(
        flowers, "train", batch_size=BATCH * WORKERS, shard=(0, 1), start=(first_epoch, 0), **OPTIONS
    )
    validation = list(make_pipeline(flowers, "validation", batch_size=BATCH, **OPTIONS).as_numpy_iterator())
    weights = initial_weights((8, 8, 3))
    losses, val_losses = [], []
    for _ in range(EPOCHS):
        of_epoch: list[float] = []
        for images, labels in train.as_numpy_iterator():
            values, slope = loss_and_slope(weights, images, labels)
            weights = weights - RATE * slope
            of_epoch.append(float(values.mean()))
            losses.append(float(np.mean(of_epoch)))
        values = np.concatenate([loss_and_slope(weights, *batch)[0] for batch in validation])
        val_losses.append(float(values.mean()))
    return {"losses": losses, "val_losses": val_losses}


def digests_of(flowers: Dataset, split: str, keys: list[str]) -> list[str]:
    records = flowers.records(split)
    stored = {records[i]["key"]: hashlib.sha256(records.encoded(i)).hexdigest() for i in range(len(records))}
    return [stored[key] for key in keys]


def share_of(flowers: Dataset, worker: int, epoch: int) -> Counter[str]:
    """Digests of the examples that a worker needs in an epoch."""
    share = make_pipeline(
        flowers,
        "train",
        batch_size=BATCH,
        shard=(worker, WORKERS),
        start=(epoch, 0),
        output="dict",
        **OPTIONS,
    )
    keys = [key.decode() for batch in share.as_numpy_iterator() for key in batch["key"]]
    return Counter(digests_of(flowers, "train", keys))


def check_equal_training(workers: list[dict[str, Any]], flowers: Dataset, *, first_epoch: int) -> None:
    expected = expected_losses(flowers, first_epoch=first_epoch)
    for worker in workers:
        assert len(worker["losses"]) == STEPS * EPOCHS
        np.testing.assert_allclose(worker["losses"], expected["losses"], rtol=1e-4)
        np.testing.assert_allclose(worker["val_losses"], expected["val_losses"], rtol=1e-4)
    assert np.ptp(expected["losses"]) > 0.01


def check_reads(workers: list[dict[str, Any]], flowers: Dataset, *, first_epoch: int) -> None:
    """In an epoch each worker reads what it needs, once, and nothing that the other reads; of validation, all."""
    held_out = flowers.records("validation")
    every = Counter(digests_of(flowers, "validation", [held_out[i]["key"] for i in range(len(held_out))]))
    for index, worker in enumerate(workers):
        shares = [share_of(flowers, index, epoch) for epoch in range(first_epoch + EPOCHS)]
        others = [share_of(flowers, 1 - index, epoch) for epoch in range(first_epoch + EPOCHS)]
        assert all(not share & other for share, other in zip(shares, others, strict=True))
        reads = {kind: Counter[str]() for kind in ("train", "validation")}
        for file, _, length, digest in worker["reads"]:
            assert length > 0
            reads[file.partition("-")[0]][digest] += 1
        needed = sum(shares[first_epoch:], Counter())
        # What `fit` reads of an epoch before, to build the model, is of this worker's share, too.
        assert reads["train"] >= needed
        assert reads["train"] - needed <= sum(shares[:first_epoch], Counter())
        assert reads["validation"] == Counter(dict.fromkeys(every, EPOCHS))


def check_cut_but_shared_once(keys: list[list[list[str]]]) -> None:
    """`experimental_distribute_dataset` takes a batch for that of all workers, but loses none and repeats none."""
    for of_worker in keys:
        assert [len(batch) for batch in of_worker] == [BATCH // WORKERS] * (STEPS * WORKERS)
    every = [key for of_worker in keys for batch in of_worker for key in batch]
    assert len(every) == len(set(every)) == BATCH * WORKERS * STEPS


@pytest.mark.slow
def test_multi_worker_mirrored_strategy(flowers: Dataset) -> None:
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(WORKERS)]}
    environments = [
        {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})}
        for index in range(WORKERS)
    ]
    workers = run_workers(MULTI_WORKER, flowers.path, environments=environments)
    check_equal_training(workers, flowers, first_epoch=0)
    check_reads(workers, flowers, first_epoch=0)
    check_cut_but_shared_once([worker["keys"] for worker in workers])


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_keras_on_jax_processes(flowers: Dataset) -> None:
    (port,) = free_ports(1)
    environments = [{"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}] * WORKERS
    workers = run_workers(JAX, flowers.path, f"127.0.0.1:{port}", environments=environments)
    check_equal_training(workers, flowers, first_epoch=1)
    check_reads(workers, flowers, first_epoch=1)
    for worker in workers:
        assert "Write keras.distribution.DataParallel(auto_shard_dataset=False)" in worker["refused"]


@pytest.mark.slow
def test_ranks_of_torchrun(flowers: Dataset) -> None:
    """The variables are all that is needed, and no framework is imported to ask it."""
    (port,) = free_ports(1)
    environments = [{"RANK": str(index), "WORLD_SIZE": str(WORKERS)} for index in range(WORKERS)]
    workers = run_workers(RANKS, flowers.path, port, environments=environments)
    check_equal_training(workers, flowers, first_epoch=0)
    check_reads(workers, flowers, first_epoch=0)
    assert [worker["imported"] for worker in workers] == [[], []]
