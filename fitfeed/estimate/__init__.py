"""`fitfeed estimate`: a source comes in, what each way to store it would cost and bring goes out.

A sample of the source is converted in each way, as `fitfeed convert` would do it, and fed as a training would.
"""
