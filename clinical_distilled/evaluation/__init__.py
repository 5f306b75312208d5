"""How good is it: metrics with intervals, errors by cause, tables."""
