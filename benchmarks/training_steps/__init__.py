"""A training step of ResNet-50 in bfloat16, in plain JAX and in plain PyTorch, for `benchmarks/accelerator.py`."""
