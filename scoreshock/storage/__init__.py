"""Files of results: atomic writing, joining, opening, merging of folders, export, provenance."""
