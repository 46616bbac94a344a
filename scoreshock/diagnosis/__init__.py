"""Scores that were learned: adapters, the check of their conventions, diagnosis, and where a sampler's steps should go."""
