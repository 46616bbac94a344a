"""Reports of single densities: a dataset, a table in words and one offline page."""
