"""Describes shapes and types of a batch as plain JSON, so that a model can be built from them."""

from collections.abc import Mapping
from typing import Any

import keras


def spec_to_json(spec: Any) -> Any:
    """Describes an `element_spec` as JSON.

    Args:
        spec: Tuples, lists and dicts of tensor specifications, or None in their place.

    Returns:
        JSON. None if the specification has anything else, such as the values of several replicas.
    """
    if isinstance(spec, Mapping):
        inner = {name: spec_to_json(value) for name, value in spec.items()}
        return None if None in inner.values() else {"dict": inner}
    if isinstance(spec, tuple | list):
        parts = [spec_to_json(value) for value in spec]
        return None if None in parts else {"tuple": parts}
    if not (hasattr(spec, "shape") and hasattr(spec, "dtype")):
        return None
    return {"shape": list(spec.shape), "dtype": keras.backend.standardize_dtype(spec.dtype)}


def spec_from_json(content: Any) -> Any:
    """Makes symbolic tensors of the JSON that `spec_to_json` has made."""
    if "dict" in content:
        return {name: spec_from_json(value) for name, value in content["dict"].items()}
    if "tuple" in content:
        return tuple(spec_from_json(value) for value in content["tuple"])
    return keras.KerasTensor(content["shape"], content["dtype"])
