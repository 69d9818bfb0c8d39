"""What a target of the fuzz tests is: whole inputs, a way to damage them, and what must hold for any bytes at all."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.mutate import damaged

SAVED = Path(__file__).with_name("corpus")
"""Hostile files by hand, and what was found: a folder for each target."""


def damage_bytes(corpus: Sequence[bytes], chance: random.Random) -> bytes:
    """Damages a file without knowing its format."""
    return damaged(corpus, chance)


@dataclass(frozen=True)
class Target:
    """A place where bytes of strangers come in.

    Attributes:
        name: How it is called, and its folder in the saved corpus.
        whole: Makes inputs that nothing is wrong with.
        check: Raises if anything else than a documented answer comes of an input. It gets a folder to write to, which
            has what earlier inputs left there.
        damage: Makes an input of others.
    """

    name: str
    whole: Callable[[], Sequence[bytes]]
    check: Callable[[bytes, Path], None]
    damage: Callable[[Sequence[bytes], random.Random], bytes] = damage_bytes

    def saved(self) -> list[bytes]:
        """The saved corpus. Every run begins with it."""
        return [path.read_bytes() for path in sorted((SAVED / self.name).glob("*"))]

    def maker(self, seed: int) -> Callable[[int], bytes]:
        """A function from number to input: first the saved corpus as it is, then what is made of it and of whole inputs."""
        saved = self.saved()
        corpus = [*self.whole(), *saved]

        def make(number: int) -> bytes:
            if number < len(saved):
                return saved[number]
            return self.damage(corpus, random.Random(f"{self.name}/{seed}/{number}"))

        return make


def expect(holds: object, message: str) -> None:
    """Raises unless it holds; an assert that survives `python -O`."""
    if not holds:
        raise AssertionError(message)
