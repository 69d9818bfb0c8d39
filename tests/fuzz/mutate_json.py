"""JSON, damaged as what it says: values at extremes, keys twice, values moved, nesting."""

import json
import random
from collections.abc import Sequence
from typing import Any

from tests.fuzz.mutate import damaged


class Pairs(list[tuple[str, Any]]):
    """An object, which may have a key twice."""


class Token(str):
    """Text that is written as it is: it need not be a value of JSON."""

    __slots__ = ()


EXTREMES: Sequence[Any] = (
    *(None, True, False, 0, 1, -1, 255, 1 << 31, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, 1 << 64, -(1 << 63)),
    *(0.5, -0.0, 1e308, 5e-324, 1.0),
    *(
        "",
        ".",
        "..",
        "../private.png",
        "/etc/passwd",
        "a/b",
        "manifest.json",
        ".work",
        "train-00000-of-00002.tfrecord",
    ),
    *("\0", "\n", "\x1b]0;x\a", "\x9b", "\u202e", "\ud800", "é", "\U0001f33b", "x" * 70_000, "0" * 64),
    *([], Pairs(), [[]], [None], [0] * 300, Pairs([("", 0)])),
    *map(
        Token, ("NaN", "Infinity", "-Infinity", "1e999", "1" * 5000, "0" * 9, "tru", '"\\ud800"', "[" * 2000)
    ),
    Token("[" * 400 + "]" * 400),
)


def damaged_json(corpus: Sequence[bytes], chance: random.Random) -> bytes:
    """Damages a JSON text with one to four edits; one time in four, its bytes."""
    text = chance.choice(corpus)
    if chance.random() < 0.25:
        return damaged([text], chance)
    try:
        content = json.loads(text, object_pairs_hook=Pairs)
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            content = edited(content, chance)
        return dumped(content).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):  # it is no JSON any more, or nested too deeply for Python
        return damaged([text], chance)


def edited(content: Any, chance: random.Random) -> Any:
    """Changes one value, key or length somewhere below; extremes may take the place of the whole."""
    places = list(_places(content))
    if not places:
        return chance.choice(EXTREMES)
    parent, at = chance.choice(places)
    edit = chance.choice(("extreme", "extreme", "move", "nest", "remove", "twice", "key", "near"))
    value = parent[at][1] if isinstance(parent, Pairs) else parent[at]
    if edit == "remove":
        del parent[at]
    elif edit == "twice":
        parent.insert(chance.randrange(len(parent) + 1), parent[at])
    elif edit == "key" and isinstance(parent, Pairs):
        keys = [key for key, _ in parent] + [extreme for extreme in EXTREMES if type(extreme) is str]
        parent[at] = (chance.choice(keys), value)
    else:
        _set(parent, at, _other(value, edit, places, chance))
    return content


def _other(value: Any, edit: str, places: list[tuple[Any, int]], chance: random.Random) -> Any:
    if edit == "move":
        parent, at = chance.choice(places)
        found = parent[at][1] if isinstance(parent, Pairs) else parent[at]
        return found if not isinstance(found, list) or len(dumped(found)) < 10_000 else len(found)
    if edit == "nest":
        return [value] if chance.random() < 0.5 else Pairs([("x", value)])
    if edit == "near" and type(value) in (int, float):
        return value + chance.choice((1, -1, 256, -256))
    if edit == "near" and type(value) is str:
        return value[:-1] if chance.random() < 0.5 else value + chance.choice(("x", "\n", "/", "\0"))
    return chance.choice(EXTREMES)


def _set(parent: Any, at: int, value: Any) -> None:
    parent[at] = (parent[at][0], value) if isinstance(parent, Pairs) else value


def _places(content: Any) -> Any:
    """Every value below, as a list and a place in it. Of long lists only the ends, which would hide all others."""
    if not isinstance(content, list):
        return
    count = len(content)
    ends = range(count) if isinstance(content, Pairs) or count < 6 else (0, 1, 2, count - 2, count - 1)
    for at in ends:
        yield content, at
        yield from _places(content[at][1] if isinstance(content, Pairs) else content[at])


def dumped(content: Any) -> str:
    """Writes JSON, with keys that are twice and tokens that are none."""
    if isinstance(content, Token):
        return content
    if isinstance(content, Pairs):
        return "{" + ",".join(f"{json.dumps(key)}: {dumped(value)}" for key, value in content) + "}"
    if isinstance(content, list):
        return "[" + ",".join(map(dumped, content)) + "]"
    if isinstance(content, str):  # as it is, if UTF-8 has it
        return json.dumps(content, ensure_ascii=not content.isprintable())
    return json.dumps(content)
