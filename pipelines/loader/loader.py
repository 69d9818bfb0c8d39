"""`Loader`: iterates over batches without TensorFlow, and says where it is."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from fitfeed.pipelines.feed.open_feed import Feed
from fitfeed.pipelines.loader.epoch_batches import EpochBatches
from fitfeed.pipelines.loader.hand_over import AsArrays, HandOver
from fitfeed.pipelines.loader.made_ahead import MadeAhead
from fitfeed.pipelines.monitor.made_batches import MadeBatches
from fitfeed.pipelines.needed_package import load_package
from fitfeed.pipelines.options import is_int_pair
from fitfeed.schemas.errors import UsageError

if TYPE_CHECKING:
    from jax import Device
    from jax.sharding import Sharding
    from torch import device as TorchDevice  # noqa: N812  a class in lower case, and a method is called `torch` here

    from fitfeed.pipelines.loader.keras_batches import KerasBatches

T = TypeVar("T")
Channels = Literal["first", "last"]

STATE = ("epoch", "step", "pipeline")
"""What a state has."""


class Loader:
    """Batches as NumPy arrays; `make_loader` makes it. Each iteration is the next epoch. Not picklable.

    The memory of images and masks is reused when the arrays, and everything made from them (views, tensors that share their
    memory), are gone, and not before. So a batch that you keep stays as it is, and a loop that keeps none takes the memory of
    a few. One thread at a time may ask an iterator for batches.
    """

    def __init__(self, feed: Feed, *, prefetch: int) -> None:
        """Starts nothing.

        Args:
            feed: What makes the batches.
            prefetch: As for `make_loader`.
        """
        self._options, self._maker, self._epochs = feed
        self._made = MadeBatches(self._epochs, self._maker)  # so that `InputMonitor` finds it
        # Several batches are made at once, so that no CPU waits for the last image of one. Those that are finished wait.
        self._ahead = self._maker.at_once + prefetch if prefetch else 0
        self._pool = ThreadPoolExecutor(self._maker.at_once, thread_name_prefix="fitfeed-batches")
        self._position = self._epochs.position
        self._iterations = 0

    def __len__(self) -> int:
        """Returns how many batches an epoch has. One that begins at a later step, after `start` or `load_state_dict`, has fewer."""
        return self._epochs.steps

    def __iter__(self) -> Iterator[Any]:
        """Begins the next epoch; gives arrays as a tuple, a dict, or the images alone, as `output` and `labels` say."""
        return self.epoch(AsArrays(self._options))

    def epoch(self, hand_over: HandOver[T]) -> EpochBatches[T]:
        """Begins the next epoch, and hands its batches over in a form of your own.

        Args:
            hand_over: What becomes of the arrays of each batch.
        """
        epoch, first = map(int, self._made.open())
        self._iterations += 1
        number, steps = self._iterations, self._epochs.steps
        self._position = epoch, first

        def prepared(step: int) -> Any:
            arrays = self._maker.make(epoch, step)
            finished = hand_over.prepare(arrays)
            self._made.finish(epoch, step, len(arrays["image"]))
            return finished

        def returned(step: int) -> None:
            if number == self._iterations:  # an older iterator says nothing about where we are
                self._position = (epoch, step + 1) if step + 1 < steps else (epoch + 1, 0)

        batches = MadeAhead(prepared, range(first, steps), pool=self._pool, ahead=self._ahead)
        return EpochBatches(batches, hand_over, returned)

    def state_dict(self) -> dict[str, Any]:
        """Returns where the iteration that was begun last is: after the batch that it returned last.

        What was made ahead does not count. It is plain JSON, so it can be saved in any way.
        """
        epoch, step = self._position
        return {"epoch": epoch, "step": step, "pipeline": dict(self._epochs.identity)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Lets the next iteration begin with the batch that would have come next when the state was taken.

        Iterators that are open already are not affected.

        Args:
            state: From `state_dict`, of a loader with the same order. The number of workers may differ if `batch_size`
                times workers is the same.

        Raises:
            UsageError: If it is not a state, or of another dataset, split, seed or order.
        """
        if not (isinstance(state, Mapping) and sorted(state) == sorted(STATE)):
            msg = f"load_state_dict expects what state_dict returned: a dict with {', '.join(STATE)}. Received: {state!r:.200}"
            raise UsageError(msg)
        place = state["epoch"], state["step"]
        if not (is_int_pair(place) and min(place) >= 0 and isinstance(state["pipeline"], Mapping)):
            msg = f"load_state_dict expects what state_dict returned, with epoch and step 0 or more. Received: {state!r:.200}"
            raise UsageError(msg)
        changed = self._epochs.differences(state["pipeline"])
        if changed is not None:
            msg = f"the state is of another loader, so it cannot go on with the same batches. Then: {changed[0]}. Received: {changed[1]}. Make the loader with the same arguments, or leave out load_state_dict to begin anew."
            raise UsageError(msg)
        self._epochs.go_to(place)
        self._position = place
        self._iterations += 1

    def torch(
        self,
        device: "TorchDevice | str | None" = None,
        *,
        channels: Channels = "first",
        pin_memory: bool | None = None,
    ) -> "Batches[Any]":
        """Returns the batches as tensors of PyTorch: `for images, labels in loader.torch("cuda")`.

        On the CPU they share the memory of the arrays. To a CUDA device they are copied from pinned memory on a stream of
        their own, one batch ahead, while the model works on the batch before.

        Args:
            device: Where the tensors are. None: on the CPU.
            channels: "first": images and masks are (batch, channels, height, width), as layers of PyTorch expect it, in
                the memory format `torch.channels_last`, which is the fastest with tensor cores. Nothing is copied for that;
                `.contiguous()` makes the other format. "last": (batch, height, width, channels).
            pin_memory: Whether tensors on the CPU are in pinned memory, which takes a copy. None: if they are sent to a CUDA
                device.

        Returns:
            An iterable like this loader: each iteration is its next epoch, and `state_dict` of this loader counts them. Keys
            and texts are lists of str.

        Raises:
            UsageError: If an argument is wrong.
            MissingPackageError: An ImportError: if PyTorch is not installed.
        """
        load_package("torch", by="Loader.torch")
        from fitfeed.pipelines.loader.torch_tensors import TorchTensors  # imports PyTorch

        return Batches(self, TorchTensors(self._options, device, channels=channels, pin_memory=pin_memory))

    def jax(self, device: "Device | Sharding | None" = None) -> "Batches[Any]":
        """Returns the batches as arrays of JAX: `for images, labels in loader.jax()`.

        Each is sent one batch ahead, while the model works on the batch before.

        Args:
            device: A device; or a sharding, by whose first axis the batch is divided, such as `NamedSharding(mesh,
                PartitionSpec("batch"))`. With several processes, each contributes the batches of its own `shard`.
                None: JAX's default device.

        Returns:
            An iterable like this loader: each iteration is its next epoch, and `state_dict` of this loader counts them.
            As usual in JAX, int64 becomes int32 unless `jax_enable_x64` is set. Keys and texts stay NumPy arrays.

        Raises:
            MissingPackageError: An ImportError: if JAX is not installed.
        """
        load_package("jax", by="Loader.jax")
        from fitfeed.pipelines.loader.jax_arrays import JaxArrays  # imports JAX

        return Batches(self, JaxArrays(self._options, device))

    def keras(self, *, rest: bool = False) -> "KerasBatches":
        """Returns the batches for Keras' `fit`, on JAX, PyTorch or TensorFlow: `model.fit(loader.keras(), epochs=10)`.

        Args:
            rest: Whether these are only the batches that are left of the epoch that the loader is in, after `start` or
                `load_state_dict`: Keras gives each epoch of a `fit` as many steps, so this one needs a `fit` of its own.

        Returns:
            A `keras.utils.PyDataset`. Each epoch of `fit` is the next one of this loader, in its order, also with `shuffle=True`. Its
            `state_dict(steps)` is the state after so many steps of an epoch.

        Raises:
            UsageError: If the loader was made with output="dict".
            MissingPackageError: An ImportError: if Keras is not installed.
        """
        load_package("keras", by="Loader.keras")
        from fitfeed.pipelines.loader.keras_batches import KerasBatches  # imports Keras

        return KerasBatches(self, self._options, rest=rest, moves=lambda: self._iterations)


class Batches(Generic[T]):
    """The batches of a loader in another form. Each iteration is the loader's next epoch."""

    def __init__(self, loader: Loader, hand_over: HandOver[T]) -> None:
        """Starts nothing.

        Args:
            loader: What makes and counts the batches.
            hand_over: Their form.
        """
        self._loader, self._hand_over = loader, hand_over

    def __len__(self) -> int:
        """Returns how many batches an epoch has."""
        return len(self._loader)

    def __iter__(self) -> Iterator[T]:
        """Begins the next epoch."""
        return self._loader.epoch(self._hand_over)
