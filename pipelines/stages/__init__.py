"""What feeding costs and what limits it: times of stages come in, a verdict and the change that helps most go out.

All here are pure functions of numbers. `fitfeed bench` measures them, `InputMonitor` watches them in a training, and
`fitfeed estimate` foretells them.
"""
