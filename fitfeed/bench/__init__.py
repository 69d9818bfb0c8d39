"""`fitfeed bench`: a dataset and the arguments of a pipeline come in, times of stages, floors and a verdict go out."""
