"""What the other sub-packages need of NumPy: names of array types, reused memory, compiled loops."""
