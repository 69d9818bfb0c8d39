"""One image in, one payload out: reading, decoding, resizing, encoding, and what can go wrong.

In: a file of the source. Out: the bytes to store and the pixels that they decode to, or an `ImageError`
with its reason. Formats that lie, bombs and odd colours end here.
"""
