"""How busy a machine is before something is measured."""

import os

MAX_LOAD = 0.5
"""Programs that want a CPU, for each CPU, before a measurement: with more, its figures are of little use."""


def load_of_each_cpu() -> float:
    """Returns how many programs wanted a CPU in the minute before, for each CPU of the machine."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)
