// Pictures that a person brings: from a file, by drag, paste, as a sample, or from what was made before.

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
  if (!["image/png", "image/jpeg"].includes(blob.type)) {
    const canvas = el("canvas", { width, height });
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  }
  bitmap.close();
  return { blob, url: URL.createObjectURL(blob), width, height, name };
}

export function base64(blob) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });
}

export function fromBase64(text) {
  return new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], { type: "image/png" });
}

export const fileIn = (transfer) => [...(transfer?.files ?? [])].find((file) => file.type.startsWith("image/"));

// The control of a picture. `latest()` gives the picture that was made last, or null.
export function pictureControl(field, { changed, latest, fail }) {
  const id = newId();
  const file = el("input", { type: "file", id, accept: "image/*", class: "unseen", on_change: () => take(file.files[0]) });
  const zone = el("label", { class: "zone", htmlFor: id },
    el("span", { class: "strong", text: "Choose a picture" }), el("span", { text: "or drop or paste one" }));
  const image = el("img", { alt: "" });
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
      set(await pictureOf(blob, name));
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
      image.src = picture.url;
      image.alt = `Chosen: ${picture.name}`;
      about.textContent = `${picture.name}, ${picture.width} × ${picture.height}`;
    }
    changed(picture);
  }
  const node = el("div", { class: "picture" }, file, zone, chosen, samples);
  last.hidden = !latest();
  return { node, input: file, get: () => value, set, take, send: (picture) => base64(picture.blob) };
}
