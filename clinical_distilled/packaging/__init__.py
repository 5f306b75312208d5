"""From a trained pipeline to an installed package that says what it is."""
