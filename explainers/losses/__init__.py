"""One short reference program per loss, in the manner of torch/_refs, and the one registry of what is supported."""
