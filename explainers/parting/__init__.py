"""Two computations of what should be one number, laid side by side up to the first line where they part."""
