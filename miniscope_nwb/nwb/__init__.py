"""The only folder that writes NWB: a plan in, a complete file out."""
