"""The Philox generator of TensorFlow, in NumPy.

Stream access was first built of `tf.data` stages. Its order is what their shuffle made, and stays that:
a run that continues an older one must see the same batches. Everything newer uses `counter_rng`.
"""

import numpy as np
import numpy.typing as npt

ROUNDS = 10
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
KEY_STEPS = 0x9E3779B9, 0xBB67AE85


def philox(seed: int, counter: int, *, count: int) -> npt.NDArray[np.uint64]:
    """Returns the first numbers of Philox4x32-10 (Salmon et al. 2011), as TensorFlow's `PhiloxRandom` does.

    Args:
        seed: The key, 64 bits.
        counter: The upper half of the 128-bit counter, 64 bits. The lower half counts blocks of four numbers.
        count: How many numbers.

    Returns:
        uint64 (count,), each below 2**32.
    """
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    words = [blocks & LOW, blocks >> HALF]
    words += [np.full_like(blocks, counter & 0xFFFFFFFF), np.full_like(blocks, counter >> 32)]
    keys = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(ROUNDS):
        even, odd = words[0] * MULTIPLIERS[0], words[2] * MULTIPLIERS[1]
        words = [
            (odd >> HALF) ^ words[1] ^ np.uint64(keys[0]),
            odd & LOW,
            (even >> HALF) ^ words[3] ^ np.uint64(keys[1]),
            even & LOW,
        ]
        keys = [(key + step) & 0xFFFFFFFF for key, step in zip(keys, KEY_STEPS, strict=True)]
    return np.stack(words, axis=1).reshape(-1)[:count]
