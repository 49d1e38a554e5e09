"""Kernels in machine code: the same bits as the plain ones. Opened only for large work."""
