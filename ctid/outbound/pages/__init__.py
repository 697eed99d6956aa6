"""Pages: a file for each channel, and what brings messages to them."""
