"""VQ-VAE: an image as a small map of entries of a learned codebook."""

from typing import Any

import keras
from keras import ops

from keras_imgen.models.calls import Pair
from keras_imgen.models.variational.autoencoder import LatentModel
from keras_imgen.training import backend, random
from keras_imgen.training.rows import per_row


@keras.saving.register_keras_serializable("keras_imgen")
class VQVAE(LatentModel):
    """Vector-quantized autoencoder (van den Oord et al. 2017), its codebook learned by moving averages (appendix A.1).

    Its latents are codes, int32 (N, h, w). `generate` draws each code on its own, from how often it occurs, which makes poor images:
    train a `CodePrior` on top of it.

    Args:
        encoder: images to vectors (N, h, w, D), as `networks.vq_encoder((28, 28, 1))`.
        decoder: vectors to images, as `networks.vq_decoder((28, 28, 1))`.
        codes: entries of the codebook.
        commitment: of the encoder's distance from its code (eq. 3's beta).
        decay: of the codebook's moving averages.
        revive: a code that fewer vectors of a batch use, on the moving average, becomes a vector of the batch (Dhariwal et al. 2020,
            Jukebox); 0 leaves it.
        others: see `ImageModel`.

    Raises:
        ValueError: networks that do not fit each other, a number outside its range.

    Logs `loss`; `reconstruction`, the squared error summed over an image and halved; `commitment`; `perplexity`, how many codes a batch
    uses, exp of their entropy.
    """

    logged = ("loss", "reconstruction", "commitment", "perplexity")
    latent_dtype = "int32"

    settings = (*LatentModel.settings, "encoder", "decoder", "codes", "commitment", "decay", "revive")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        codes: int = 256,
        commitment: float = 0.25,
        decay: float = 0.99,
        revive: float = 0.1,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if len(encoder.output_shape) != 4 or encoder.output_shape[1:] != decoder.input_shape[1:]:
            raise ValueError(
                f"Expected an encoder of maps of vectors (N, h, w, D) that the decoder takes, got {encoder.output_shape} and "
                f"{decoder.input_shape}."
            )
        if tuple(decoder.output_shape[1:]) != tuple(encoder.input_shape[1:]):
            raise ValueError(f"Expected a decoder of images {encoder.input_shape[1:]}, got {decoder.output_shape[1:]}.")
        if codes < 2 or not 0 < decay < 1 or revive < 0 or commitment < 0:
            raise ValueError(
                "Expected at least 2 `codes`, `decay` in (0, 1), and `revive` and `commitment` of at least 0, got "
                f"{codes!r}, {decay!r}, {revive!r} and {commitment!r}."
            )
        self.encoder, self.decoder = encoder, decoder
        self.codes, self.commitment, self.decay, self.revive = codes, commitment, decay, revive
        state = {"trainable": False, "aggregation": "mean", "autocast": False}
        dim = encoder.output_shape[-1]
        start = keras.initializers.RandomUniform(-1.0 / codes, 1.0 / codes, seed=self.seed)
        self.codebook = self.add_weight(name="codebook", shape=(codes, dim), initializer=start, **state)
        self.code_counts = self.add_weight(name="code_counts", shape=(codes,), initializer="zeros", **state)
        self.code_sums = self.add_weight(name="code_sums", shape=(codes, dim), initializer="zeros", **state)
        self._untracked.pair = Pair(encoder, decoder)
        self.finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"autoencoder": self._untracked.pair}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return tuple(self.encoder.input_shape[1:])

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """(h, w) of the codes."""
        return tuple(self.encoder.output_shape[1:3])

    # === The step ===

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        _, logs, z, codes = self.minimize(lambda: self.objective(batch["image"], True), self.players["autoencoder"])
        self._learn_codes(ops.reshape(z, (-1, z.shape[-1])), ops.reshape(codes, (-1,)))
        return logs

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self.objective(batch["image"], False)[1]

    def objective(self, x: Any, training: bool) -> tuple[Any, dict[str, Any], Any, Any]:
        """What the model is trained for.

        Args:
            x: images (N, H, W, C) in [-1, 1].
            training: whether networks are in training mode.

        Returns:
            (loss, scalars to log, vectors (N, h, w, D), their codes (N, h, w)).
        """
        z = ops.cast(self.encoder(x, training=training), "float32")
        codes = self.nearest(z)
        vectors = ops.take(ops.convert_to_tensor(self.codebook), codes, axis=0)
        passed = z + ops.stop_gradient(vectors - z)  # straight through: the decoder's gradient reaches the encoder
        output = ops.cast(self.decoder(passed, training=training), "float32")
        error = 0.5 * ops.mean(per_row(ops.sum, ops.square(x - output)))
        distance = ops.mean(per_row(ops.sum, ops.square(z - ops.stop_gradient(vectors))))
        loss = error + self.commitment * distance
        share = ops.mean(ops.one_hot(ops.reshape(codes, (-1,)), self.codes, dtype="float32"), axis=0)
        perplexity = ops.exp(-ops.sum(share * ops.log(share + 1e-10)))
        logs = {"loss": loss, "reconstruction": error, "commitment": distance, "perplexity": perplexity}
        return loss, logs, z, codes

    def nearest(self, z: Any) -> Any:
        """Codes int32 (N, h, w) of vectors (N, h, w, D)."""
        book = ops.convert_to_tensor(self.codebook)
        distance = ops.sum(book * book, -1) - 2.0 * ops.matmul(z, ops.transpose(book))  # and |z|^2, the same for all
        return ops.cast(ops.argmin(distance, axis=-1), "int32")

    def _learn_codes(self, z, codes):
        """The moving averages, over all replicas' vectors z (M, D) and their codes (M,): the same on each."""
        z = ops.stop_gradient(z)
        one_hot = ops.one_hot(codes, self.codes, dtype="float32")
        used = backend.sum_over_replicas(ops.sum(one_hot, axis=0))
        total = backend.sum_over_replicas(ops.matmul(ops.transpose(one_hot), z))
        before = ops.copy(self.code_counts)
        counts = self.decay * before + (1 - self.decay) * used
        sums = self.decay * ops.copy(self.code_sums) + (1 - self.decay) * total
        # At the start all codes become vectors of the first batch.
        dead = ops.logical_or(counts < self.revive, ops.all(before == 0.0))
        new = ops.take(z, self._picks(ops.shape(z)[0]), axis=0)
        new = backend.sum_over_replicas(ops.where(ops.equal(backend.replica_index(), 0), new, ops.zeros_like(new)))
        fresh = max(1.0, 2 * self.revive)
        counts = ops.where(dead, fresh, counts)
        sums = ops.where(dead[:, None], fresh * new, sums)
        self.code_counts.assign(counts)
        self.code_sums.assign(sums)
        used_lately = counts[:, None] > 1e-20
        means = sums / ops.maximum(counts[:, None], 1e-20)
        self.codebook.assign(ops.where(used_lately, means, ops.copy(self.codebook)))

    def _picks(self, below):
        u = random.uniform(self.next_keys(self.codes))
        return ops.minimum(ops.cast(u * ops.cast(below, "float32"), "int32"), below - 1)

    # === Latents and images ===

    def latents_of(self, images: Any, told: dict[str, Any] | None = None) -> Any:
        return self.nearest(ops.cast(self.encoder(images, training=False), "float32"))

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """(h, w, D) of the vectors that become codes."""
        return tuple(self.encoder.output_shape[1:])

    def to_map(self, images: Any) -> Any:
        """Vectors float32 (N, h, w, D), not yet codes, of images: `from_map` makes codes of them (Rombach et al. 2022, "VQ-reg")."""
        return ops.cast(self.encoder(images, training=False), "float32")

    def from_map(self, maps: Any) -> Any:
        return self.images_of(self.nearest(maps))

    def images_of(self, latents: Any, told: dict[str, Any] | None = None) -> Any:
        vectors = ops.take(ops.convert_to_tensor(self.codebook), latents, axis=0)
        return ops.cast(self.decoder(vectors, training=False), "float32")

    def sampled(self, keys: Any, told: dict[str, Any] | None = None) -> Any:
        counts = ops.convert_to_tensor(self.code_counts)
        cumulative = ops.cumsum(counts / (ops.sum(counts) + 1e-12))
        u = random.uniform(keys, self.latent_shape)
        codes = ops.sum(ops.cast(u[..., None] > cumulative, "int32"), -1)
        return ops.minimum(codes, self.codes - 1)
