"""Models as a service: one process for each, batches across requests, and the protocols that clients already speak."""
