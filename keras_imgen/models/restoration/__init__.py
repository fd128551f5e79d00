"""Models that restore pictures: super-resolution, denoising, deblurring, enhancement, inpainting, colourisation."""
