"""What comes in: one module per format, each with one function, read()."""
