"""The calculator: values in, values out. No Django, file, socket, clock or randomness (decision 0001)."""
