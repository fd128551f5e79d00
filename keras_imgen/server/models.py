"""Models that come and go: what is on disk is looked at again and again, new versions are loaded, older ones end."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from keras_imgen.server.errors import NotFound, RequestError
from keras_imgen.server.repository import Found, scan
from keras_imgen.server.version import Version

log = logging.getLogger(__name__)


class Status(NamedTuple):
    """How it is with a version.

    Args:
        version: its number.
        state: LOADING, AVAILABLE, UNLOADING or END, as TensorFlow Serving has them.
        error: why it could not be loaded, "" otherwise.
    """

    version: int
    state: str
    error: str = ""


class Models:
    """The versions of all models that are served. Everything is called in one event loop.

    Args:
        paths: of models, see `repository.scan`.
        make: a version of what was found on disk, not loaded yet.
        keep: how many of the newest versions are served.
        poll: seconds between looks at the disk.
        patience: seconds after which a version that is replaced ends, whatever it was asked.
    """

    def __init__(self, paths: Sequence[str], make: Callable[[Found], Version], keep: int, poll: float, patience: float):
        self._paths, self._make, self._keep, self._poll, self._patience = list(paths), make, keep, poll, patience
        self._models: dict[str, dict[int, Version]] = {}
        self._seen: dict[tuple[str, int], tuple] = {}  # states of the last look
        self._failed: dict[tuple[str, int], tuple[tuple, str]] = {}  # states that could not be loaded, and why
        self._watch: asyncio.Task | None = None
        self._loading = asyncio.Semaphore(2)

    async def start(self, say: Callable[[str], None] = lambda line: None) -> None:
        """Load every model, and look for new versions from then on. What cannot be loaded is said, and left out.

        Args:
            say: is told a line for each of several models.

        Raises:
            FileNotFoundError: a path that is not there.
            ValueError: a path without a model, or no model can be loaded.
        """
        found = await asyncio.to_thread(scan, self._paths)
        done: list[str] = []

        async def bring(name, versions):
            await self._bring(versions, settled=True)
            self._seen |= {(name, k): v.state for k, v in versions.items()}
            done.append(name)
            said = "is loaded." if self._available(name) else f"cannot be loaded and is left out: {self._why(name)}"
            if len(found) > 1:
                say(f"{len(done)} of {len(found)}: {name} {said}")

        await asyncio.gather(*(bring(name, versions) for name, versions in found.items()))
        if not self.models():
            await self.stop()
            name = done[0]
            raise ValueError(f"The model {name} cannot be loaded: {self._why(name)}")
        self._watch = asyncio.get_running_loop().create_task(self._look())

    async def stop(self, seconds: float = 30.0) -> None:
        """End all processes when they have answered what they were asked.

        Args:
            seconds: after which they end anyway.
        """
        if self._watch is not None:
            self._watch.cancel()
        every = [version for versions in self._models.values() for version in versions.values()]
        await asyncio.gather(*(version.unload(seconds) for version in every))

    def models(self) -> list[str]:
        """Names of the models, in order."""
        return sorted(name for name in self._models if self._available(name))

    def ready(self) -> bool:
        """Whether every model can answer that can be loaded."""
        return bool(self.models()) and all(self._available(name) or self._why(name) for name in self._models)

    def status(self, model: str, version: int | None = None) -> list[Status]:
        """How it is with the versions of a model, the newest first.

        Args:
            model: its name.
            version: one of them, None for all.

        Raises:
            NotFound: there is none.
        """
        found = {k: Status(k, v.state, v.error) for k, v in self._models.get(model, {}).items()}
        failed = {k: Status(k, "END", error) for (name, k), (_, error) in self._failed.items() if name == model}
        found = {k: one for k, one in {**failed, **found}.items() if version in (None, k)}
        if not found:
            which = model if version is None else f"{model}, version {version}"
            raise NotFound(f"Could not find any versions of model {which}")
        return [found[k] for k in sorted(found, reverse=True)]

    def version(self, model: str, version: int | None = None) -> Version:
        """A version that can answer, with its `signatures`, `endpoints`, `signature_defs` and `description`; the newest for None.

        Args:
            model: its name.
            version: its number.

        Raises:
            NotFound: there is none.
        """
        known = self._available(model)
        number = max(known, default=None) if version is None else version
        if number not in known:
            which = f"Latest({model})" if version is None else f"Specific({model}, {version})"
            raise NotFound(f"Servable not found for request: {which}; there is {', '.join(self.models()) or 'none'}.")
        return known[number]

    def _why(self, model):
        """Why no version could be loaded, "" where that is not so."""
        return next((error for (name, _), (_, error) in self._failed.items() if name == model), "")

    def _available(self, model):
        return {k: v for k, v in self._models.get(model, {}).items() if v.state == "AVAILABLE"}

    async def _look(self):
        while True:
            await asyncio.sleep(self._poll)
            try:
                found = await asyncio.to_thread(scan, self._paths)
            except (OSError, ValueError) as error:  # as while something is copied: what is served stays
                log.warning("%s", error)
                continue
            for name, versions in found.items():
                same = {k: v for k, v in versions.items() if self._seen.get((name, k)) == v.state}  # no copy that grows
                self._seen |= {(name, k): v.state for k, v in versions.items()}
                await self._bring(same)
                gone = [k for k in self._models.get(name, {}) if k not in versions]
                await self._drop(name, gone)
            for name in set(self._models) - set(found):
                await self._drop(name, list(self._models[name]))
                del self._models[name]

    async def _bring(self, versions: Mapping[int, Found], settled: bool = False) -> None:
        """Load the newest of these that can be, then drop those that are older."""
        for number in sorted(versions, reverse=True)[: None if settled else self._keep]:
            found = versions[number]
            key, known = (found.name, number), self._models.setdefault(found.name, {})
            if number in known and known[number].found.state == found.state:
                continue
            if key in self._failed and self._failed[key][0] == found.state:
                continue
            if settled and len(self._available(found.name)) >= self._keep:
                break
            version = self._make(found)
            try:
                async with self._loading:
                    await version.load()
            except (ValueError, OSError, RequestError) as error:
                log.warning("%s", error)
                self._failed[key] = (found.state, str(error))
                continue
            self._failed.pop(key, None)
            before, known[number] = known.get(number), version
            if before is not None:
                await before.unload(self._patience)
        for name in {found.name for found in versions.values()}:
            await self._drop(name, sorted(self._available(name), reverse=True)[self._keep :])

    async def _drop(self, name, numbers):
        for number in numbers:
            await self._models[name][number].unload(self._patience)
            del self._models[name][number]
