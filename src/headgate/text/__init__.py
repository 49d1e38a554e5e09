"""Text as flat arrays, and kernels over them."""
