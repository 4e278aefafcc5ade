"""Engines: how shifts and components are computed. Built-in, CaImAn, and those of third parties."""
