"""Human annotation in its published formats: JSON lines, BRAT, PubTator and CoNLL; read, written, mapped to labels."""
