"""A processed recording as two files, the raw one and the processed one, and one file of both."""
