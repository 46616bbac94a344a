"""HTML pages: one shell with one theme, and one script beside the pages of a folder, which draws their figures."""
