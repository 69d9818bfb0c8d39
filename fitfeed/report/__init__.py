"""The page of `fitfeed report`: what is counted (`facts`), which pictures are shown (`pictures`), and how (`sections`)."""
