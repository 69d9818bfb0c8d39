"""From one image file to one payload: reading, decoding, resizing, encoding, and all that can go wrong.

In: a file of the source. Out: the bytes to store and the pixels that they decode to, or an `ImageError`
with its reason. Files with false headers, decompression bombs and unusual colors are dealt with here.
"""
