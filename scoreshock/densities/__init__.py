"""Labelled densities: Gaussian mixtures, labelled data, tables and files that hold them, and families of both."""

from scoreshock.densities import families

__all__ = ["families"]
