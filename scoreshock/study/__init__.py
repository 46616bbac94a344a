"""A study: the checked configuration, its sweeps and their blocks. Nothing runs on a study with a problem in it."""
