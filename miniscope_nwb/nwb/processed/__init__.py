"""What `process` and `curate` put into an NWB file that is there already, and read back."""
