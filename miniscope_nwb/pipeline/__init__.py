"""From a converted file to cells in the same file: the stages in their order, resumable."""
