"""Files: written whole or not at all, joined, opened, moved between folders, exported; and what they were made from."""
