"""Is it true, is it valid, is this computer fit: the checks that change nothing."""
