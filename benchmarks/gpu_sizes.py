"""How large each network of `gpu.py` is: on a card, and small, to see that everything runs."""

MODELS = ("unet", "dit", "dcgan", "vae", "edsr", "stylegan2")

# `repeat` training steps are timed together, `sample` pictures are made at a time, in `steps` network calls.
LARGE = {
    "unet": {
        "size": 32,
        "widths": (128, 256, 256, 256),
        "depth": 2,
        "attention": (16, 8),
        "batch": 128,
        "sample": 64,
        "steps": 20,
        "repeat": 16,
    },
    "dit": {
        "size": 32,
        "patch": 2,
        "width": 384,
        "depth": 12,
        "heads": 6,
        "batch": 128,
        "sample": 64,
        "steps": 20,
        "repeat": 16,
    },
    "dcgan": {"size": 64, "width": 64, "latent_dim": 128, "batch": 128, "sample": 64, "repeat": 16},
    "vae": {"batch": 128, "sample": 64, "repeat": 64},
    "edsr": {"size": 48, "width": 64, "blocks": 16, "batch": 16, "sample": 8, "repeat": 16},
    "stylegan2": {"size": 64, "width": 64, "batch": 32, "sample": 64, "repeat": 16},
}
SMALL = {
    "unet": {
        "size": 16,
        "widths": (32, 64),
        "depth": 1,
        "attention": (8,),
        "batch": 8,
        "sample": 4,
        "steps": 4,
        "repeat": 8,
    },
    "dit": {
        "size": 16,
        "patch": 2,
        "width": 64,
        "depth": 2,
        "heads": 2,
        "batch": 8,
        "sample": 4,
        "steps": 4,
        "repeat": 8,
    },
    "dcgan": {"size": 16, "width": 8, "latent_dim": 16, "batch": 8, "sample": 4, "repeat": 8},
    "vae": {"batch": 4, "sample": 4, "repeat": 8},
    "edsr": {"size": 16, "width": 16, "blocks": 2, "batch": 4, "sample": 2, "repeat": 8},
    "stylegan2": {"size": 16, "width": 8, "batch": 4, "sample": 4, "repeat": 8},
}
