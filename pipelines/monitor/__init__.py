"""How long training waits for its input, from a few moments of each step.

In: when the step asked for a batch, when the batch was there, when the step was computed. Out: seconds of waiting and
of computing, for a step and for an epoch, and a line that says what would end the waiting. Knows no framework.
"""
