"""Video files: find their frames, decode them twice, and write them for tests and simulation."""
