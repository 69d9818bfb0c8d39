"""Lines of h5py that open every data set of a file, and functions that read what needs more than an index."""

import builtins
import re
from collections.abc import Sequence
from pathlib import Path

from fitfeed.converters.inspect.reader.hdf5_access import Access, access_of
from fitfeed.converters.inspect.reader.python_text import new_name, one_line, quoted
from fitfeed.converters.inspect.report import ForeignFeature

MAX_DATASETS = 100
"""Data sets that get a line. A program with more of them is not read by anyone."""

HELPERS = {
    "decode": [
        "def decode(data):",
        "    return np.asarray(Image.open(io.BytesIO(data)))",
    ],
    "decode_16": [
        "def decode_16(data):",
        "    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)",
        "    return pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]  # from BGR to RGB",
    ],
    "matlab_value": [
        "def matlab_value(found):  # MATLAB stores axes in reverse, and text as numbers",
        "    values = found[()].T",
        '    is_text = found.attrs.get("MATLAB_class") == b"char"',
        '    return "".join(map(chr, values.ravel())) if is_text else values',
    ],
    "each": [
        "def each(group, part, *parts):  # the data sets whose names fit, part by part",
        "    for name in group:",
        "        found = group.get(name) if re.fullmatch(part, str(name)) else None",
        "        if parts and isinstance(found, h5py.Group):",
        "            yield from each(found, *parts)",
        "        elif not parts and isinstance(found, h5py.Dataset):",
        "            yield found",
    ],
}
"""Functions that programs call."""

_IMPORTS = {
    "decode": ["import io", "import numpy as np", "from PIL import Image"],
    "decode_16": ["import cv2", "import numpy as np"],
    "matlab_value": [],
    "each": ["import re"],
}
_PLUGIN = "import hdf5plugin  # pip install hdf5plugin"
_STANDARD = ("import io", "import re")


def hdf5_reader(path: Path, features: Sequence[ForeignFeature], *, content: str) -> str:
    """Writes a program that opens every data set of a file with h5py, and shows how one example is read.

    Args:
        path: The file.
        features: Its objects; links and groups are left out.
        content: `matlab` if a file of MATLAB 7.3, whose axes are reversed.
    """
    datasets = [feature for feature in features if feature.role == "dataset"]
    shown = datasets[:MAX_DATASETS]
    taken = {"file", "h5py", "io", "np", "re", "cv2", "Image", *HELPERS, *dir(builtins)}
    variables = {feature.name: new_name(feature.name, taken) for feature in shown}
    lines, functions = [], []
    helpers: set[str] = set()
    for feature in shown:
        variable = variables[feature.name]
        access = access_of(feature, variable, variables, is_matlab=content == "matlab")
        helpers |= access.helpers
        lines.append(_line(feature, variable, access))
        if access.function:
            functions += ["", "", *_function(variable, access)]
    if len(datasets) > len(shown):
        lines.append(f"# {len(datasets) - len(shown):,} more data sets: file.visit(print) names them")
    parts = [*_imports(helpers, datasets), ""]
    for name in sorted(helpers):
        parts += ["", *HELPERS[name], "", ""]
    parts += [f'file = h5py.File({quoted(str(path))}, "r", locking=False)', *lines, *functions]
    return "\n".join(parts) + "\n"


def _imports(helpers: set[str], datasets: Sequence[ForeignFeature]) -> list[str]:
    needed = {"import h5py", *(line for name in helpers for line in _IMPORTS[name])}
    if any("pip install hdf5plugin" in (feature.note or "") for feature in datasets):
        needed.add(_PLUGIN)
    return sorted(needed, key=lambda line: (line not in _STANDARD, re.split(r"[ .]", line)[1].lower()))


def _line(feature: ForeignFeature, variable: str, access: Access) -> str:
    if feature.count > 1:
        return f"# read_{variable}() reads all of {ascii(feature.name)[1:-1]}: {one_line(feature.dtype)}"
    about = "; ".join([one_line(feature.dtype), *([access.comment] if access.comment else [])])
    return f"{variable} = file[{feature.literal or quoted(feature.name)}]  # {about}"


def _function(variable: str, access: Access) -> list[str]:
    return [f"def read_{variable}({access.argument}):", *(f"    {line}" for line in access.function)]
