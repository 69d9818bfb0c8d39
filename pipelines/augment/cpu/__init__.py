"""The executor on the CPU: one resampling by OpenCV, for all geometry of an image."""
