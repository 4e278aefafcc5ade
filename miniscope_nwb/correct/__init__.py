"""Motion correction: how each frame is brought onto the template, and how well it then lies."""
