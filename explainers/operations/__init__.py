"""What torch's operations mean over named-axis arrays, one module per kind; `explainers.torch_ops` is the table."""
