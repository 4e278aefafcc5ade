"""From the raw movie to the one that is processed: pixels, frames and brightness."""
