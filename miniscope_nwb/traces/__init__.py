"""Traces of the components as they are written, made in one pass over the corrected movie."""
