"""How rows are held to their contracts."""
