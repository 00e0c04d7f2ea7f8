"""What `make bench` measures. Nothing here asserts a time: figures depend on the machine."""
