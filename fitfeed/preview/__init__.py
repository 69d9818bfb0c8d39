"""The contact sheet of `fitfeed preview`: which samples, how augmented, drawn where."""
