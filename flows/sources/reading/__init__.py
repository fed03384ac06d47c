"""What readers share: how files, texts, tables and documents are read."""
