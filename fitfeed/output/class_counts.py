"""How many images each class has, in a line: all of them, or a summary where they are many."""

import statistics
from collections.abc import Mapping

MAX_LISTED = 50
"""More classes than this are summarized."""

SHOWN_CLASSES = 3


def class_counts_line(counts: Mapping[str, int]) -> str:
    """Says how many images each class has.

    Args:
        counts: Class name to its images.
    """
    if len(counts) <= MAX_LISTED:
        return ", ".join(f"{name} {count}" for name, count in counts.items())
    ordered = sorted(counts.items(), key=lambda item: item[1])  # classes of equal counts stay in their order
    having = [count for _, count in ordered if count]
    if not having:
        return f"{len(counts):,} classes without images"
    if having[0] == having[-1]:
        parts = [f"{len(having):,} classes with {having[0]:,} images each"]
    else:
        median = statistics.median_low(having)
        parts = [f"{len(having):,} classes with {having[0]:,} to {having[-1]:,} images, median {median:,}"]
        fewest = [f"{name} {count}" for name, count in ordered if count][:SHOWN_CLASSES]
        most = [
            f"{name} {count}" for name, count in sorted(ordered, key=lambda item: -item[1])[:SHOWN_CLASSES]
        ]
        parts += [f"fewest: {', '.join(fewest)}", f"most: {', '.join(most)}"]
    if len(having) < len(counts):
        parts.append(f"{len(counts) - len(having):,} more have none")
    return "; ".join(parts)
