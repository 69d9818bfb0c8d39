"""From a list of augmentations to passes over pixels: operations that fuse become one."""
