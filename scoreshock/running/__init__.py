"""What runs a study: the tasks of a job, their Dask cluster, and how far a run has come."""
