"""An explanation as people see it: a picture, its plain-text twin, its alt text, and files that compile and run."""
