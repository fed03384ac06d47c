"""Is it up to date: sources, datasets and quarters."""
