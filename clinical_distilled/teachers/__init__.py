"""Teachers: spaCy pipelines that annotate notes."""
