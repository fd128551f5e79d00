"""A long film goes through: frames, rate, sound and colours that stay, memory that does not grow, and nothing left of what is killed.

    python -m benchmarks.video_film [--frames 10000] [--size 640x360] [--change invert|stylize|blur] [--seed 0]

A film of H.264 with AAC at 24000/1001 frames a second is made, then each frame is changed and written as H.264 by a process of its own,
as `keras-imgen video` does. `memory` is the largest resident memory of that process after a tenth of the frames and at its end; what
libraries take before the first frame is `before`. The last line is one JSON object.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from fractions import Fraction

import numpy as np

from benchmarks.systems import machine

RATE = Fraction(24000, 1001)
CHANGES = {
    "invert": lambda cv2, image: 255 - image,
    "blur": lambda cv2, image: cv2.GaussianBlur(image, (0, 0), 2),
    "stylize": lambda cv2, image: cv2.stylization(image),
}


def make(path, frames, width, height, seed):
    """A texture that moves under noise, and a tone with noise."""
    import av
    import cv2

    from keras_imgen.data.film_colour import Colours, from_rgb

    rng = np.random.default_rng(seed)
    large = cv2.resize(
        rng.integers(30, 226, (24, 60, 3)).astype("uint8"), (width * 2, height), interpolation=cv2.INTER_CUBIC
    )
    grain = rng.integers(0, 6, (8, height, width, 3)).astype("uint8")
    with av.open(path, "w") as out:
        video = out.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "crf": "20"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = out.add_stream("aac", rate=48000)
        for k in range(frames):
            left = abs((2 * k) % (2 * width) - width)
            image = large[:, left : left + width] // 2 + 40 + grain[k % 8]
            out.mux(video.encode(from_rgb(image, Colours(), "yuv420p")))
            tone = np.sin(np.arange(2002) * 0.05) * 8000 + rng.normal(0, 300, 2002)
            sound = av.AudioFrame.from_ndarray(tone.astype("int16")[None], format="s16", layout="mono")
            sound.sample_rate, sound.pts = 48000, 2002 * k
            out.mux(audio.encode(sound))
        out.mux([*video.encode(), *audio.encode()])


def through(source, out, change):
    """In its own process: prints what it took."""
    import cv2

    from keras_imgen.data.film import Film
    from keras_imgen.data.film_writer import FilmWriter

    film, taken = Film(source), {}
    taken["before"], begin = memory(), time.time()
    with FilmWriter(out, like=film) as writer:
        for image, *when in film:
            writer.write(CHANGES[change](cv2, image), *when)
            if writer.count == film.count // 10:
                taken["memory at a tenth"] = memory()
                print("a tenth", flush=True)
    print(json.dumps({**taken, "memory": memory(), "seconds": time.time() - begin, "frames": writer.count}))


def memory():
    """The largest resident memory of this process, MiB; Linux. What `getrusage` says counts the parent's before it."""
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024


def sound(path):
    import av

    with av.open(path) as film:
        return [(bytes(p), p.pts) for p in film.demux(audio=0) if p.size]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--change", choices=CHANGES, default="invert")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return through(*args.child, args.change)
    from keras_imgen.data.film import Film

    where = machine()
    width, height = map(int, args.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        source, out, killed = (os.path.join(folder, name) for name in ("source.mp4", "out.mp4", "killed.mp4"))
        begin = time.time()
        make(source, args.frames, width, height, args.seed)
        print(f"made {args.frames} frames of {args.size} in {time.time() - begin:.0f} s", flush=True)
        again = [sys.executable, "-m", "benchmarks.video_film", "--change", args.change, "--child", source]
        done = subprocess.run([*again, out], stdout=subprocess.PIPE, text=True, check=True)
        taken = json.loads(done.stdout.splitlines()[-1])
        first, last = Film(source), Film(out)
        with subprocess.Popen([*again, killed], stdout=subprocess.PIPE, text=True) as process:
            process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        held = {
            "frames in = frames out": len(last.times()) == args.frames,
            "times are the same": last.times() == first.times() == [k / RATE for k in range(args.frames)],
            "sound is the same": sound(out) == sound(source),
            "nothing is left of what is killed": not os.path.exists(killed),
            "memory grows by less than 64 MiB after a tenth": taken["memory"] < taken["memory at a tenth"] + 64,
        }
        taken["frames a second"] = taken["frames"] / taken["seconds"]
    for name, value in taken.items():
        print(f"{name:<48}{value:>10.1f}{' MiB' if 'memory' in name or name == 'before' else ''}")
    for name, value in held.items():
        print(f"{name:<48}{'yes' if value else 'NO':>10}")
    print(json.dumps({"machine": where, **vars(args), "taken": taken, "held": held}))


if __name__ == "__main__":
    main()
