"""From a raw folder to the plan of an NWB file: detect, read, reconcile, resolve."""
