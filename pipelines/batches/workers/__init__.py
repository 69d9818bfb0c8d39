"""Processes that render parts of batches into memory that they share with the training process."""
