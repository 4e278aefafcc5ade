"""One module a raw format: folder in, records out."""
