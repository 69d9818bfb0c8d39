"""The augmentations: each describes itself, samples its parameters and adds itself to a plan."""
