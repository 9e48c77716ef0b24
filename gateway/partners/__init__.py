"""One kind of outside system per file."""
