"""What is installed here and what of this machine changes numbers; no framework is imported."""
