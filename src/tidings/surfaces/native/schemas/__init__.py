"""What goes over the wire in the native contract."""
