"""Networks that the repository trains: as scores, in files, their data sets, what damages them, and the training."""
