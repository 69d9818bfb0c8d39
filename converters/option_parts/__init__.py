"""The parts of the options of a conversion, each with the checks that concern it alone.

In: values by name. Out: a frozen part, in which every value is allowed. `converters/options.py` joins them.
"""
