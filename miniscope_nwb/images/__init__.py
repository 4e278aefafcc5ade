"""Summary images of the corrected movie, and the filters and measures that they are made of."""
