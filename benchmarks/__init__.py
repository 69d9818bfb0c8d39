"""Measures conversion and feeding against what the same machine could do at best.

`python -m benchmarks` runs all of it; each script also runs by itself. results/README.md says how
to read the figures.
"""
