"""What a finished model and its server share: requests, batching, pictures of any kind, tiling, endpoints. NumPy only."""
