"""What all rooms here need of NumPy: names of array types, memory that is used again, compiled loops."""
