"""FHIRPath, compiled once to closures and run many times."""
