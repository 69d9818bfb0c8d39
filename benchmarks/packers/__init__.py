"""Contestants of `benchmarks.convert_peers`: functions of (`Task`) that convert a folder, and return how many images.

Each module imports its library inside the function, so that a missing one only leaves that contestant out.
"""
