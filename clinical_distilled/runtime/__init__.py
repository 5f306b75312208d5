"""What the installed package carries: needs spaCy, numpy, tokenizers and onnxruntime, and nothing else.

Training uses the same windows, tags and term matcher, so a model meets in use what it met in training.
"""
