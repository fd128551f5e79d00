// Elements, and words for names.

export const byId = (id) => document.getElementById(id);

// el("p", {class: "help", text: "..."}, child, ...): properties, attributes, and listeners as on_click.
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else if (name.startsWith("on_")) node.addEventListener(name.slice(3), value);
    else if (name in node && !name.startsWith("aria")) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// "conditions.caption" -> "Caption", "negative.caption" -> "Negative caption"
export function title(name) {
  const words = name.replace(/^conditions\./, "").replace(/[._]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

let count = 0;
export const newId = () => `id${(count += 1)}`;

export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// Up to three digits after the point.
export const short = (number) => String(Math.round(number * 1000) / 1000);

export const product = (shape) => shape.reduce((a, b) => a * b, 1);

// Names in an error, as a person reads them.
export const plain = (text) => text.replace(/`([^`]*)`/g, "“$1”");
