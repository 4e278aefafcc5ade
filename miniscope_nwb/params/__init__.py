"""Parameters of the processing: one frozen model a stage, presets, files, hash."""
