"""Recordings with a known answer: a one-photon field, written as the software would."""
