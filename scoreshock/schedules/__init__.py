"""Noise schedules: their kinds, formulas and tables, and the time of each at a diffusion time."""
