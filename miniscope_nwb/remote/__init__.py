"""Files that lie on a server, read block by block as if they lay here."""
