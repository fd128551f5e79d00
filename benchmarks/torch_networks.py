"""Networks of the package once more, in PyTorch, with as many weights: U-Net, DiT, DCGAN and EDSR.

They take pictures (N, C, H, W). The variational autoencoder's is in `variational.py`.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


def _groups(channels, most=32):
    return next(g for g in range(min(most, channels), 0, -1) if channels % g == 0)


class Embedding(nn.Module):
    """A vector from log-SNR: sines and cosines, two dense layers."""

    def __init__(self, width):
        super().__init__()
        self.register_buffer("rates", torch.exp(torch.linspace(math.log(1 / 64), math.log(4), width // 2)))
        self.dense1, self.dense2 = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, log_snr):
        angles = log_snr[:, None] * self.rates[None]
        return F.silu(self.dense2(F.silu(self.dense1(torch.cat([angles.sin(), angles.cos()], 1)))))


class CrossAttention(nn.Module):
    """To a sequence (N, S, D), seeing what a mask bool (N, S) keeps."""

    def __init__(self, width, heads, context):
        super().__init__()
        self.heads, self.query, self.out = heads, nn.Linear(width, width), nn.Linear(width, width)
        self.key_value = nn.Linear(context, 2 * width)

    def forward(self, x, context, keep):
        n, t, c = x.shape
        q = self.query(x).reshape(n, t, self.heads, -1).transpose(1, 2)
        k, v = self.key_value(context).reshape(n, context.shape[1], 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, keep[:, None, None])
        return self.out(mixed.transpose(1, 2).reshape(n, t, c))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, c))


class OverTime(nn.Module):
    """As `layers.TemporalConv` and, where it attends, `layers.TemporalAttention`, on frames (N F, C, H, W)."""

    def __init__(self, width, frames, heads, attend):
        super().__init__()
        self.frames, self.conv = frames, nn.Conv2d(width, width, (3, 1), padding=(1, 0))
        self.norm = nn.GroupNorm(_groups(width), width) if attend else None
        self.attention = Attention(width, heads) if attend else None
        rates = torch.exp(torch.arange(width // 2) * (-math.log(10_000) / (width // 2)))
        waves = torch.arange(frames)[:, None] * rates
        self.register_buffer("places", torch.cat([waves.sin(), waves.cos()], -1))

    def forward(self, x):
        nf, c, h, w = x.shape
        folded = (nf // self.frames, self.frames, h * w, c)
        time = x.permute(0, 2, 3, 1).reshape(folded).permute(0, 3, 1, 2)  # (N, C, F, H W)
        time = self.conv(time).permute(0, 2, 3, 1).reshape(nf, h, w, c).permute(0, 3, 1, 2)
        x = x + time
        if self.attention is not None:
            tokens = self.norm(x).permute(0, 2, 3, 1).reshape(folded).transpose(1, 2) + self.places
            found = self.attention(tokens.reshape(-1, self.frames, c)).reshape(-1, h * w, self.frames, c)
            x = x + found.transpose(1, 2).reshape(nf, h, w, c).permute(0, 3, 1, 2)
        return x


class UNetBlock(nn.Module):
    def __init__(self, before, width, embedding, attend, context=None, frames=None):
        super().__init__()
        self.skip = nn.Identity() if before == width else nn.Conv2d(before, width, 1)
        self.norm1, self.norm2 = (nn.GroupNorm(_groups(c), c) for c in (before, width))
        self.conv1, self.conv2 = (nn.Conv2d(c, width, 3, padding=1) for c in (before, width))
        self.modulation = nn.Linear(embedding, 2 * width)
        self.attention = self.cross = None
        heads = width // 32 if width % 32 == 0 else 1
        if attend:
            self.norm3 = nn.GroupNorm(_groups(width), width)
            self.attention = Attention(width, heads)
        if attend and context:
            self.norm4 = nn.GroupNorm(_groups(width), width)
            self.cross = CrossAttention(width, heads, context)
        self.time = None if frames is None else OverTime(width, frames, heads, attend)

    def forward(self, x, e, words=None):
        scale, shift = self.modulation(e)[..., None, None].chunk(2, 1)
        y = self.conv1(F.silu(self.norm1(x)))
        x = self.skip(x) + self.conv2(F.silu(self.norm2(y) * (1 + scale) + shift))
        n, c, h, w = x.shape
        if self.attention is not None:
            y = self.attention(self.norm3(x).permute(0, 2, 3, 1).reshape(n, h * w, c))
            x = x + y.reshape(n, h, w, c).permute(0, 3, 1, 2)
        if self.cross is not None:
            y = self.cross(self.norm4(x).permute(0, 2, 3, 1).reshape(n, h * w, c), *words)
            x = x + y.reshape(n, h, w, c).permute(0, 3, 1, 2)
        return x if self.time is None else self.time(x)


class UNet(nn.Module):
    """As `networks.unet`; with `context` it attends to words (vectors (N, S, context), mask (N, S)), with `frames` it is of clips
    (N, F, C, H, W)."""

    def __init__(self, size, widths, depth, attention, channels=3, context=None, frames=None):
        super().__init__()
        self.depth, self.frames, now, skips = depth, frames, widths[0], []
        wide = 4 * widths[0]
        self.embedding, self.first = Embedding(wide), nn.Conv2d(channels, now, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, width in enumerate(widths):
            for _ in range(depth):
                self.down.append(UNetBlock(now, width, wide, size >> level in attention, context, frames))
                now = width
                skips.append(now)
        self.middle = UNetBlock(now, now, wide, size >> (len(widths) - 1) in attention, context, frames)
        for level, width in reversed(list(enumerate(widths))):
            for _ in range(depth):
                self.up.append(UNetBlock(now + skips.pop(), width, wide, size >> level in attention, context, frames))
                now = width
        self.norm, self.last = nn.GroupNorm(_groups(now), now), nn.Conv2d(now, channels, 3, padding=1)

    def forward(self, x, log_snr, *words):
        e = self.embedding(log_snr)
        if self.frames is not None:
            e, x = e.repeat_interleave(self.frames, 0), x.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        x, skips = self.first(x), []
        for i, block in enumerate(self.down):
            x = block(x, e, words)
            skips.append(x)
            if i % self.depth == self.depth - 1 and i < len(self.down) - 1:
                x = F.avg_pool2d(x, 2)
        x = self.middle(x, e, words)
        for i, block in enumerate(self.up):
            x = block(torch.cat([x, skips.pop()], 1), e, words)
            if i % self.depth == self.depth - 1 and i < len(self.up) - 1:
                x = F.interpolate(x, scale_factor=2)
        x = self.last(F.silu(self.norm(x)))
        return x if self.frames is None else x.unflatten(0, (-1, self.frames))


class DiTBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.modulation, self.attention = nn.Linear(width, 6 * width), Attention(width, heads)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, e):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(e)[:, None].chunk(6, -1)
        norm = lambda x: F.layer_norm(x, x.shape[-1:], eps=1e-6)  # noqa: E731
        x = x + gate1 * self.attention(norm(x) * (1 + scale1) + shift1)
        return x + gate2 * self.down(F.gelu(self.up(norm(x) * (1 + scale2) + shift2)))


class DiT(nn.Module):
    """As `networks.dit`."""

    def __init__(self, size, patch, width, depth, heads, channels=3):
        super().__init__()
        self.embedding, self.patches = Embedding(width), nn.Conv2d(channels, width, patch, patch)
        self.blocks = nn.ModuleList(DiTBlock(width, heads) for _ in range(depth))
        self.modulation, self.pixels = nn.Linear(width, 2 * width), nn.Linear(width, patch * patch * channels)
        self.shuffle = nn.PixelShuffle(patch)
        rates = torch.exp(torch.arange(width // 4) * (-math.log(10_000) / (width // 4)))
        waves = torch.arange(size // patch)[:, None] * rates
        waves = torch.cat([waves.sin(), waves.cos()], -1)
        n = size // patch
        both = torch.cat([waves[:, None].expand(n, n, -1), waves[None].expand(n, n, -1)], -1)
        self.register_buffer("positions", both.reshape(1, n * n, width))

    def forward(self, x, log_snr):
        e, h = self.embedding(log_snr), self.patches(x)
        n, c, height, width = h.shape
        h = h.flatten(2).transpose(1, 2) + self.positions
        for block in self.blocks:
            h = block(h, e)
        shift, scale = self.modulation(e)[:, None].chunk(2, -1)
        h = self.pixels(F.layer_norm(h, (c,), eps=1e-6) * (1 + scale) + shift)
        return self.shuffle(h.transpose(1, 2).reshape(n, -1, height, width))


class DCGANGenerator(nn.Module):
    """As `networks.dcgan_generator` without norms."""

    def __init__(self, size, width, latent_dim, channels=3):
        super().__init__()
        times = int(math.log2(size // 4))
        wide = [min(width * 2**i, 8 * width) for i in reversed(range(times))]
        self.start, self.dense = wide[0], nn.Linear(latent_dim, 16 * wide[0])
        pairs = zip(wide, [*wide[1:], channels])
        self.convs = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in pairs)

    def forward(self, z):
        h = self.dense(z).reshape(-1, self.start, 4, 4).contiguous(memory_format=torch.channels_last)
        for conv in self.convs:
            h = conv(F.relu(h))
        return torch.tanh(h)


def dcgan_discriminator(size, width, channels=3):
    """As `networks.dcgan_discriminator`."""
    wide = [channels, *(width * 2 ** min(i, 3) for i in range(int(math.log2(size // 4))))]
    levels = [m for a, b in zip(wide, wide[1:]) for m in (nn.Conv2d(a, b, 4, 2, 1), nn.LeakyReLU(0.2))]
    return nn.Sequential(*levels, nn.Flatten(), nn.Linear(16 * wide[-1], 1))


class EDSR(nn.Module):
    """As `networks.edsr` with a scale of two, added to the bicubic enlargement (PyTorch's, which has another constant)."""

    def __init__(self, width, blocks, channels=3):
        super().__init__()
        conv = lambda a, b: nn.Conv2d(a, b, 3, padding=1)  # noqa: E731
        self.first, self.body = conv(channels, width), conv(width, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(conv(width, width), nn.ReLU(), conv(width, width)) for _ in range(blocks)
        )
        self.up, self.shuffle, self.last = conv(width, 4 * width), nn.PixelShuffle(2), conv(width, channels)

    def forward(self, x):
        first = h = self.first(x)
        for block in self.blocks:
            h = h + block(h)
        h = self.last(self.shuffle(self.up(first + self.body(h))))
        return h + F.interpolate(x, scale_factor=2, mode="bicubic")


class Fire(nn.Module):
    def __init__(self, before, narrow, wide):
        super().__init__()
        self.squeeze = nn.Conv2d(before, narrow, 1)
        self.one, self.three = nn.Conv2d(narrow, wide, 1), nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return F.relu(torch.cat([self.one(x), self.three(x)], 1))


class SqueezeNet(nn.Module):
    """Of pictures in [-1, 1]: `networks.adain_encoder`'s three maps, before they are scaled, or with averages `style_trunk`'s five."""

    def __init__(self, averaged=False):
        super().__init__()
        sizes = [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)]
        sizes, self.averaged, self.taps = (sizes, averaged, (1, 3, 5, 7)) if averaged else (sizes[:4], averaged, (1, 3))
        self.first = nn.Conv2d(3, 64, 3, 1 if averaged else 2, padding=0 if averaged else 1)
        before = [64, *(2 * wide for _, wide in sizes)]
        self.fires = nn.ModuleList([Fire(b, *size) for b, size in zip(before, sizes)])
        self.seen = [self.first, *self.fires]
        self.register_buffer("mean", torch.tensor([103.939, 116.779, 123.68])[:, None, None])

    def forward(self, x):
        x = F.relu(self.first(((x + 1) * 127.5).flip(1) - self.mean))
        pool = (lambda x: F.avg_pool2d(x, 2)) if self.averaged else lambda x: F.max_pool2d(x, 3, 2, 1)
        maps = [x := pool(x) if self.averaged else x]
        for k, fire in enumerate(self.fires):
            x = fire(pool(x) if k in (0, 2, 4) else x)
            if k in self.taps:
                maps.append(x)
        return maps


def adain(x, mean, deviation):
    """Maps (N, C, H, W) with mean and deviation (N, C)."""
    own = (x.var((2, 3), keepdim=True, correction=0) + 1e-5).sqrt()
    return (x - x.mean((2, 3), keepdim=True)) / own * deviation[..., None, None] + mean[..., None, None]


class AdaINDecoder(nn.Module):
    """`networks.adain_decoder`."""

    def __init__(self, channels=(64, 128, 256), width=32, blocks=2):
        super().__init__()
        self.joins, self.blocks, before = nn.ModuleList(), nn.ModuleList(), 0
        for level in reversed(range(len(channels))):
            out = width * 2 ** min(level, 2)
            self.joins.append(nn.Conv2d(before + channels[level], out, 3, padding=1))
            of_level = [self._block(out) for _ in range(blocks if level else 1)]
            self.blocks.append(nn.ModuleList(of_level))
            before = out
        self.narrow, self.last = nn.Conv2d(before, width // 2, 3, padding=1), nn.Conv2d(width // 2, 3, 5, padding=2)

    @staticmethod
    def _block(width):
        return nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, maps):
        h = None
        for given, join, blocks in zip(maps[::-1], self.joins, self.blocks):
            h = given if h is None else torch.cat([F.interpolate(h, scale_factor=2), given], 1)
            h = F.silu(join(h))
            for block in blocks:
                h = h + block(h)
        h = F.interpolate(F.silu(self.narrow(h)), scale_factor=2)
        return 1.2 * torch.tanh(self.last(h))
