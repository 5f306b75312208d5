"""The student: the trainable component, its encoder, its export to a fast CPU runtime."""
