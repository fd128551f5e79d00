// Pictures and films that a person brings: from a file, by drag, paste, as a sample, or from what was made before.

import { el, newId } from "./dom.js";

export const SAMPLES = [
  { file: "lake.jpg", name: "A lake" },
  { file: "lake-noisy.jpg", name: "A lake, noisy" },
];

// {blob, url, width, height, name}; what is neither PNG nor JPEG becomes PNG.
export async function pictureOf(blob, name = "picture") {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    throw new Error("This is not a picture that the browser can read.");
  }
  const { width, height } = bitmap;
  const moves = blob.type === "image/gif";
  if (!["image/png", "image/jpeg"].includes(blob.type)) {
    const canvas = el("canvas", { width, height });
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  }
  bitmap.close();
  if (moves) name += ", its first frame";
  return { blob, url: URL.createObjectURL(blob), width, height, name };
}

// The same of a film, and of pictures that move; `film` where it takes a <video> to show it, `still` is its first frame. They are sent as
// they are; of 0 x 0 is what this browser cannot show: the server may read it.
export async function filmOf(blob, name = "film") {
  const one = { blob, url: URL.createObjectURL(blob), name, film: !blob.type.startsWith("image/") };
  return { ...one, ...(await stillOf(one)) };
}

// {width, height, still}: the size and the first frame of what moves, as the URL of a PNG.
export async function stillOf({ blob, url, film }) {
  const source = await (film ? firstOf(url) : createImageBitmap(blob).catch(() => null));
  const width = source?.videoWidth ?? source?.width ?? 0;
  const height = source?.videoHeight ?? source?.height ?? 0;
  if (!width) return { width, height };
  const canvas = el("canvas", { width, height });
  canvas.getContext("2d").drawImage(source, 0, 0);
  const still = URL.createObjectURL(await new Promise((done) => canvas.toBlob(done, "image/png")));
  return { width, height, still };
}

// A <video> that has its first frame, null where there is none.
function firstOf(url) {
  const video = el("video", { preload: "auto", muted: true, playsInline: true });
  return new Promise((done) => {
    video.addEventListener("loadeddata", () => done(video));
    video.addEventListener("loadedmetadata", () => setTimeout(() => done(video), 3000)); // some load no frame before they play
    video.addEventListener("error", () => done(null));
    video.src = url;
  });
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

// A picture or a film as it is shown. What moves by itself stands still where people have asked for that.
export function shown(one, props = {}) {
  if (one.still && !one.film && still.matches) return asStill(one, props);
  if (!one.film) return el("img", { draggable: false, src: one.url, ...props });
  const { alt, ...rest } = props;
  return el("video", { muted: true, loop: true, autoplay: !still.matches, playsInline: true, "aria-label": alt, src: one.url, ...rest });
}

// The same, of what moves the first frame alone.
export const asStill = (one, props = {}) => el("img", { draggable: false, src: one.still ?? one.url, ...props });

export function base64(blob) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });
}

export function fromBase64(text, type) {
  return new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], { type });
}

const kinds = (film) => (film ? ["image/", "video/"] : ["image/"]);
export const fileIn = (transfer, film) =>
  [...(transfer?.files ?? [])].find((file) => kinds(film).some((kind) => file.type.startsWith(kind)) || (film && !file.type)); // of MKV and AVI some systems know no kind

// The control of a picture, or of a film. `latest()` gives the picture that was made last, or null.
export function pictureControl(field, { changed, latest, fail, most }) {
  const id = newId();
  const film = field.control === "film";
  const accept = kinds(film).map((kind) => `${kind}*`).join(",");
  const file = el("input", { type: "file", id, accept, class: "unseen", on_change: () => take(file.files[0]) });
  const zone = el("label", { class: "zone", htmlFor: id },
    el("span", { class: "strong", text: film ? "Choose a film" : "Choose a picture" }), el("span", { text: "or drop or paste one" }));
  const image = el("span", { class: "shown" });
  const about = el("span", { class: "help" });
  const remove = el("button", { type: "button", text: "Remove", on_click: () => { set(null); file.focus(); } });
  const chosen = el("div", { class: "chosen", hidden: true }, image, el("div", {}, about, remove));
  const last = el("button", { type: "button", class: "chip", text: "The latest result", on_click: () => set(latest()) });
  const samples = el("div", { class: "chips" }, ...SAMPLES.map(({ file: path, name }) =>
    el("button", { type: "button", class: "chip", on_click: () => sample(path, name) },
      el("img", { src: `page/${path}`, alt: "", width: 32, height: 24 }), name)), last);
  let value = null;

  async function take(blob, name = blob?.name) {
    if (!blob) return;
    try {
      const found = await (film ? filmOf : pictureOf)(blob, name);
      if (found.blob.size * 4 > most * 3) throw new Error(`This is more than the ${Math.round((most * 3) / 2 ** 22)} MiB that the server takes: choose a ${film ? "shorter film" : "smaller picture"}.`);
      set(found);
    } catch (error) {
      fail(error.message);
    }
    file.value = "";
  }
  async function sample(path, name) {
    take(await (await fetch(`page/${path}`)).blob(), name);
  }
  function set(picture) {
    value = picture;
    zone.hidden = Boolean(picture);
    chosen.hidden = !picture;
    last.hidden = !latest();
    if (picture) {
      image.replaceChildren(...(picture.width ? [asStill(picture, { alt: `Chosen: ${picture.name}` })] : []));
      about.textContent = picture.width ? `${picture.name}, ${picture.width} × ${picture.height}` : picture.name;
    }
    changed(picture);
  }
  const node = el("div", { class: "picture" }, file, zone, chosen, film ? null : samples);
  last.hidden = !latest();
  return { node, input: file, get: () => value, set, take, send: (picture) => base64(picture.blob) };
}
