"""A study: the checked configuration, its sweeps and their blocks. Nothing runs on a study with a problem in it."""

from scoreshock.study.blocks import Block, Sweep
from scoreshock.study.errors import StudyError
from scoreshock.study.reading import check_files
from scoreshock.study.schema import schema
from scoreshock.study.study import Study, check_output, load_study

__all__ = ["Block", "Study", "StudyError", "Sweep", "check_files", "check_output", "load_study", "schema"]
