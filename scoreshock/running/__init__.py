"""Execution of a study: the tasks of a job, the Dask cluster that may compute them, the status of a run."""
