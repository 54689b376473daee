const MISSING = "rgb(150, 150, 150)"; // not a number, as in core/figures/palette.py

/** Turn what Python packed (base64 of float32 or float64) into numbers; null stays null. */
function unpack(packed) {
  if (!packed) return null;
  const bytes = Uint8Array.from(atob(packed.bytes), letter => letter.charCodeAt(0));
  return packed.single ? Float64Array.from(new Float32Array(bytes.buffer)) : new Float64Array(bytes.buffer);
}

/** A number for people: so many significant digits, a real minus sign. */
function numeral(value, digits = 4) {
  if (Number.isNaN(value)) return "NaN";
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size === Infinity) return `${sign}∞`;
  if (size === 0) return "0";
  const plain = size >= 1e-4 && size < 1e6;
  return sign + (plain ? String(+size.toPrecision(digits)) : size.toExponential(digits - 2).replace("-", "−").replace("+", ""));
}

const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** How the numbers of one grid are written: their largest size, a common power of ten, decimals. */
function style(values) {
  let high = 0, whole = true;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    high = Math.max(high, Math.abs(value));
    whole &&= Number.isInteger(value);
  }
  const power = high > 0 && (high < 0.01 || high >= 1000) ? Math.floor(Math.log10(high)) : 0;
  const largest = high / 10 ** power;
  const decimals = whole && !power ? 0 : largest < 10 ? 2 : largest < 100 ? 1 : 0;
  const times = power ? `×10${[...String(power)].map(sign => SUPERSCRIPTS[sign]).join("")}` : "";
  return { high, power, decimals, times };
}

/** The number in a cell, short; rounded to zero it has no sign. */
function inCell(value, { power, decimals }) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const rounded = (value / 10 ** power).toFixed(Number.isInteger(value) && !power ? 0 : decimals);
  return +rounded === 0 ? rounded.replace("-", "") : rounded.replace("-", "−");
}

/** The colours of one scale: css(value) and ink(value), black or white, whichever is legible on it. */
function scaleOf(colors, high) {
  const index = value => 128 + Math.round(Math.max(-1, Math.min(1, value / (high || 1))) * 127);
  const rgb = value => (Number.isNaN(value) ? [150, 150, 150] : colors[index(value)]);
  const css = value => (Number.isNaN(value) ? MISSING : `rgb(${colors[index(value)].join(" ")})`);
  const ink = value => {
    const [red, green, blue] = rgb(value).map(part => (part / 255) ** 2.2);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.2 ? "#10181a" : "#ffffff";
  };
  return { rgb, css, ink };
}

const range = count => Array.from({ length: count }, (_, index) => index);
const clamp = (value, limit) => Math.max(0, Math.min(limit - 1, value));
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

/** One side of a map with windows sliding along it; places are counted from the start of the border before it. */
function axisOf(size, kernel, stride, before, after, dilation) {
  const span = dilation * (kernel - 1) + 1;
  const padded = size + before + after;
  const count = Math.floor((padded - span) / stride) + 1;
  const cells = index => range(kernel).map(place => index * stride + place * dilation);
  const around = place => clamp(Math.round((place - (span - 1) / 2) / stride), count); // the window around a place
  const inside = place => place >= before && place < before + size;
  return { size, kernel, stride, before, after, dilation, span, padded, count, cells, around, inside };
}

/** What a mode says of a cell: the products a·b of two small grids, their sum, and how large the terms are. */
function productsOf(rows, cols, a, b, times = (x, y) => x * y) {
  const products = a.map((value, index) => times(value, b[index]));
  let sum = 0, mass = 0;
  for (const product of products) {
    sum += product;
    mass += Math.abs(product);
  }
  return { rows, cols, a, b, products, sum, mass };
}
