"""Operations of `Place`, one function each."""

import random

from fitfeed.schemas.storage.claim import claimed
from fitfeed.schemas.storage.place import Place
from tests.soak.operation import Operation

SMALL = random.Random(1).randbytes(100_000)
LARGE = random.Random(2).randbytes((9 << 20) + 5)  # two parts
OTHER = random.Random(3).randbytes(1000)
NAMES = ("a", "b c/d", "b c/e/f", "ü")


def nothing(_: Place) -> None:
    pass


def write_some(place: Place) -> None:
    for name in NAMES:
        place.write(name, f"content of {name}".encode())


def write_small(place: Place) -> None:
    place.write("small", SMALL)


def list_all(place: Place) -> object:
    deep = sorted((found.name, found.bytes) for found in place.files(deep=True))
    return deep, sorted(found.name for found in place.files()), place.folders()


def find(place: Place) -> object:
    return place.find("small").bytes


def read(place: Place) -> object:
    return place.read("small", at_most=1 << 20)[0]


def read_ranges(place: Place) -> object:
    opened = place.open("small")
    parts = [opened.read(start, 7000) for start in range(0, len(SMALL), 7000)]
    opened.close()
    return b"".join(parts) == SMALL


def copy_here(place: Place) -> object:
    with place.as_file("small") as path:
        return path.read_bytes() == SMALL


def write(place: Place) -> object:
    return place.write("small", OTHER).bytes


def write_once(place: Place) -> object:
    return place.write_if("once", OTHER, identity=None).bytes


def replace(place: Place) -> object:
    return place.write_if("small", OTHER, identity=place.find("small").identity).bytes


def write_large(place: Place) -> None:
    with place.writing("large") as built:
        built.path.write_bytes(LARGE)


def copy(place: Place) -> None:
    place.copy("small", "copied", through="copying")


def move(place: Place) -> None:
    place.move("small", "moved")


def delete_all(place: Place) -> None:
    place.below("b c").delete_all()


def hold_claim(place: Place) -> None:
    with claimed(place, "claim") as claim:
        claim.require()
        place.write("small", OTHER)


PLACE_OPERATIONS = (
    Operation("list", write_some, list_all),
    Operation("find", write_small, find),
    Operation("read", write_small, read, rate=0.5),
    Operation("ranges", write_small, read_ranges, rate=0.5),
    Operation("as file", write_small, copy_here, rate=0.5),
    Operation("write", write_small, write),
    Operation("write once", nothing, write_once, may_repeat=False),
    Operation("replace", write_small, replace, may_repeat=False),
    Operation("write large", nothing, write_large),
    Operation("copy", write_small, copy),
    Operation("move", write_small, move, may_repeat=False),
    # A claim whose answer was lost is dead after a minute; only then it could be taken again.
    Operation("claim", nothing, hold_claim, may_repeat=False, ignore=("claim",)),
    Operation("delete all", write_some, delete_all),
)
