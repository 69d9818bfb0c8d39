"""The defaults of `make_pipeline`, for tests of what is behind it."""

import inspect
from typing import Any

from fitfeed.pipelines import make_pipeline

DEFAULTS: dict[str, Any] = {
    name: parameter.default
    for name, parameter in inspect.signature(make_pipeline).parameters.items()
    if parameter.default is not inspect.Parameter.empty and not name.startswith("cache")
}
"""Of all options but those of opening the dataset."""
