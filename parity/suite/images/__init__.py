"""Which files a pattern of a suite matches, and which of them nobody can read."""
