"""How much of a file is read, and how much of it is in memory at once."""

import dataclasses

MIB = 1 << 20
MIN_TOTAL, MIN_EACH, MIN_MEMBERS = MIB, 64 << 10, 20
"""What one of many files may take at least."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What reading a file may take. All bytes are those after decompression.

    Attributes:
        total: Bytes of all values together, with what else takes time (see `ByteBudget`).
        each: Bytes of the values of one HDF5 data set.
        at_once: The longest record, string or chunk that is in memory.
        fields: Fields of a long record that is parsed, of 64 bytes in memory each.
        members: Members of an HDF5 group that are looked at.
        features: Different names of features that are listed.
        memory: What the process may need, on top of what it has at its start.
        is_full: Whether all is counted, so that whoever waits is told how far it is.
    """

    total: int
    each: int
    at_once: int
    fields: int
    members: int
    features: int
    memory: int
    is_full: bool = False

    def shared_by(self, files: int) -> "Limits":
        """What each of several files may take, so that all take no more than one."""
        if self.is_full or files < 2:
            return self
        return dataclasses.replace(
            self,
            total=max(self.total // files, MIN_TOTAL),
            each=max(self.each // files, MIN_EACH),
            members=max(self.members // files, MIN_MEMBERS),
        )


SAMPLE = Limits(
    total=96 * MIB,
    each=6 * MIB,
    at_once=16 * MIB,
    fields=1 << 20,
    members=400,
    features=1000,
    memory=256 * MIB,
)
"""What `fitfeed inspect` reads: about a second, on one CPU of 2020, and 150 MiB. The memory is address space: NumPy alone
reserves 80 MiB, which it does not use."""

FULL = Limits(
    total=1 << 62,
    each=1 << 62,
    at_once=256 * MIB,
    fields=1 << 62,
    members=1 << 62,
    features=10_000,
    memory=2 << 30,
    is_full=True,
)
"""With `--full`, all values are read. No more is in memory than one chunk or record."""
