"""Counter-based random numbers: every random number is a hash of what it is used for.

The numbers of a generator with a state depend on how many were drawn before. A hash of (purpose,
seed, epoch, example) does not: any worker, thread or resumed run computes the same numbers, in any order.
The hash is the output function of splitmix64 (Steele, Lea, Flood 2014), a bijection of 64 bits.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 / golden ratio, odd: splitmix64's increment."""


def splitmix64(values: Hashes) -> Hashes:
    """Scrambles 64-bit values so that neighbors come out unrelated.

    Args:
        values: uint64 array of any shape. It is not changed. (It is an array because NumPy wraps
            arrays silently, but warns when a scalar overflows.)

    Returns:
        uint64 array of the same shape. Different values stay different.
    """
    mixed = values + GOLDEN
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def fold_in(purpose: str, *numbers: int) -> Hashes:
    """Hashes a purpose and some integers of any sign and size to one key.

    Args:
        purpose: Separates the uses, so that the place of an example in the order says nothing about its
            augmentation.
        *numbers: Such as seed and epoch. Their order matters.

    Returns:
        uint64, shape (1,).
    """
    text = ":".join([purpose, *map(str, numbers)])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return np.array([int.from_bytes(digest, "little")], np.uint64)


def uniform(key: Hashes, examples: npt.NDArray[Any], *, draws: int) -> npt.NDArray[np.float64]:
    """Draws uniform numbers for each example.

    Args:
        key: uint64 (1,), from `fold_in`.
        examples: Integers (n,), example numbers.
        draws: How many numbers each example needs.

    Returns:
        float64 (n, draws) in [0, 1): row i depends on `key` and `examples[i]` only.
    """
    return uniforms(key, examples, draws=[draws])[0]


def uniforms(
    keys: Hashes, examples: npt.NDArray[Any], *, draws: Sequence[int]
) -> list[npt.NDArray[np.float64]]:
    """Draws uniform numbers as `uniform` does, for several keys in few calls of NumPy.

    Args:
        keys: uint64 (k,), each from `fold_in`.
        examples: Integers (n,), example numbers.
        draws: How many numbers each example needs for each of the keys.

    Returns:
        For each key, float64 (n, its draws) in [0, 1).
    """
    streams = splitmix64(splitmix64(examples.astype(np.uint64))[:, None] ^ keys)
    counters = np.concatenate([np.arange(count, dtype=np.uint64) for count in draws]) * GOLDEN
    bits = splitmix64(np.repeat(streams, draws, axis=1) + counters)
    numbers = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53  # the 53 bits that a double holds exactly
    return np.split(numbers, np.cumsum(draws)[:-1], axis=1)
