"""What a person should know of the classes that were found, before they are converted."""

from collections import Counter

from fitfeed.schemas.class_order import sort_classes
from fitfeed.schemas.features import WithLabels

SHOWN_CLASSES = 10


def class_warnings(labels: WithLabels) -> list[str]:
    """Says what is odd about classes: a line each, without a full stop.

    Args:
        labels: The labels of a conversion.
    """
    if labels.classes is None:
        return []
    names, lines = labels.class_names, _order_warnings(labels)
    if len(names) == 1 and labels.kinds[labels.classes] == "class":
        lines.append(f"there is only one class ({names[0]!r}), so every label is 0")
    folded = Counter(name.casefold() for name in names)
    alike = [name for name in names if folded[name.casefold()] > 1]
    if alike:
        shown = ", ".join(alike[:SHOWN_CLASSES])
        lines.append(f"classes that differ only in case: {shown}")
    return lines


def _order_warnings(labels: WithLabels) -> list[str]:
    """Says where other programs would give the same classes other numbers."""
    for label in labels.features.values():
        as_text = sort_classes(label.class_names, "text")
        if label.class_order == "number" and label.class_names != as_text:
            later = next(name for name, text in zip(label.class_names, as_text, strict=True) if name != text)
            earlier = as_text[label.class_names.index(later)]
            return [
                f"classes are numbered as numbers, {later} before {earlier}; Keras and TFDS sort them as text, {earlier} before {later}, and so does --class-order text"
            ]
    return []
