"""The fast engine: a small convolutional network in NumPy that has learned from the accurate engine's annotations."""
