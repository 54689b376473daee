const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const SIGNS = 3; // significant digits of a value
const instances = new WeakMap(); // what lives as long as the page shows the map
// All maps of one picture on the page, so that a place that is pointed at in one is marked in all.
const peers = (globalThis.convscopeMaps ??= new Set());

const clamp = (index, limit) => Math.max(0, Math.min(limit - 1, index));
const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
const number = value => String(Number(value.toPrecision(SIGNS))).replaceAll("-", "−");

/** Keep a decoded picture until the next one is ready: a slider must not make the maps flicker. */
async function loadPicture(own, png, image) {
  own.png = png;
  const url = URL.createObjectURL(new Blob([bytes(png)], { type: "image/png" }));
  const next = new Image();
  next.src = url;
  await next.decode().catch(() => {});
  const stale = own.png === png ? own.url : url;
  if (stale !== url) {
    own.url = url;
    image.src = url;
  }
  if (stale) URL.revokeObjectURL(stale);
}

/** Put a box of rows and columns, cut at the edge of the picture, over it. */
function place(box, { height, width }, top, left, bottom, right) {
  const cut = [clamp(top, height), clamp(left, width), clamp(bottom - 1, height) + 1, clamp(right - 1, width) + 1];
  box.style.display = "block";
  box.style.top = `${(100 * cut[0]) / height}%`;
  box.style.left = `${(100 * cut[1]) / width}%`;
  box.style.height = `${(100 * (cut[2] - cut[0])) / height}%`;
  box.style.width = `${(100 * (cut[3] - cut[1])) / width}%`;
}

export default function ({ data, parentElement }) {
  const find = name => parentElement.querySelector(name);
  const frame = find(".frame"), readout = find(".readout"), pixel = find(".pixel"), field = find(".field");
  const { height, width, field: sight } = data;
  const own = instances.get(parentElement) ?? {};
  const values = data.values ? new Float32Array(bytes(data.values).buffer) : null;
  own.group = data.group;
  own.pixels = data.pixels && bytes(data.pixels); // one map of the group has them for all

  /** The cell of the layer's maps that lies over a pixel, and what it sees. */
  const seen = (row, column) => {
    const [r, c] = [Math.floor((row * sight.rows.length) / height), Math.floor((column * sight.cols.length) / width)];
    const [[top, bottom], [left, right]] = [sight.rows[r], sight.cols[c]];
    return { r, c, box: [top, left, bottom, right] };
  };
  const colour = (row, column) => {
    const pixels = [...peers].find(peer => peer.group === own.group && peer.pixels)?.pixels;
    if (!pixels) return [];
    const channels = pixels.length / (height * width), start = (row * width + column) * channels;
    return [`pixel ${[...pixels.slice(start, start + channels)].join(", ")}`];
  };
  own.show = at => {
    own.at = at;
    pixel.style.display = field.style.display = "none";
    if (!at) {
      readout.textContent = data.hint;
      return;
    }
    const [row, column] = at;
    place(pixel, data, row, column, row + 1, column + 1);
    const parts = [`row ${row}, column ${column}`, ...colour(row, column)];
    if (values) parts.push(`${data.word} ${number(values[row * width + column])}`);
    if (sight) {
      const { r, c, box } = seen(row, column);
      place(field, data, ...box);
      parts.push(`cell ${r}, ${c}`);
    }
    readout.textContent = parts.join(" · ");
  };
  const tell = at => peers.forEach(peer => peer.group === own.group && peer.show(at));
  const pointed = event => {
    const box = frame.getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * height);
    const column = Math.floor(((event.clientX - box.left) / box.width) * width);
    return [clamp(row, height), clamp(column, width)];
  };

  if (!instances.has(parentElement)) instances.set(parentElement, own);
  peers.add(own);
  if (own.png !== data.png) loadPicture(own, data.png, find("img"));
  find("img").alt = data.label;
  frame.ariaLabel = `${data.label} Arrow keys move a mark over it.`;
  own.show(own.at && own.at[0] < height && own.at[1] < width ? own.at : null);

  frame.onpointermove = event => tell(pointed(event));
  frame.onpointerdown = event => tell(pointed(event));
  frame.onpointerleave = () => tell(null);
  frame.onblur = () => tell(null);
  frame.onkeydown = event => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const [row, column] = own.at ?? [height >> 1, width >> 1];
    tell(own.at ? [clamp(row + step[0], height), clamp(column + step[1], width)] : [row, column]);
  };
  return () => {
    peers.delete(own);
    own.png = null;
    if (own.url) URL.revokeObjectURL(own.url);
    instances.delete(parentElement);
  };
}
