"""Densities with two wells, given by a potential: their fields, boundary, speciation times and profiles."""

from scoreshock.quantities.wells.definition import well
from scoreshock.quantities.wells.fields import well_boundary, well_fields
from scoreshock.quantities.wells.speciation import well_speciation

__all__ = ["well", "well_boundary", "well_fields", "well_speciation"]
