"""What must hold: the contracts of every table, one module per stage or family."""
