"""Every page of the console, photographed: what people see, at every width and in both themes."""
