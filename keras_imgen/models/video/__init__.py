"""Models of clips alone; `Diffusion`, `VAE` and `GAN` learn clips as they learn pictures."""
