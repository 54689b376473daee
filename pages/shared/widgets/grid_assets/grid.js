const EDGE = 3; // pixels around the cells, for the outline of the outer ones
const NUMBERED = 26; // cells from this width on carry their number
const SEPARATE = 8; // cells from this width on have a gap between them
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

const element = (tag, className = "", text = "") =>
  Object.assign(document.createElement(tag), { className, textContent: text });

/** Neighbouring places as runs [first, length]. */
function runs(places) {
  const found = [];
  for (const place of places) {
    const last = found.at(-1);
    if (last && last[0] + last[1] === place) last[1]++;
    else found.push([place, 1]);
  }
  return found;
}

/** One grid on a canvas: cells are painted once, then only covered and outlined. */
class Grid {
  constructor(key, look, act) {
    Object.assign(this, { key, look, active: [0, 0] });
    this.figure = element("figure", `grid ${key}`);
    this.before = element("span", "before");
    this.title = element("figcaption");
    this.board = element("div", "board");
    this.canvas = document.createElement("canvas");
    this.base = document.createElement("canvas");
    this.scale = element("small", "range");
    this.row = element("div", "cell");
    this.cell = element("span");
    this.row.role = "row";
    this.cell.role = "gridcell";
    this.cell.id = `cell-${key}`;
    this.row.append(this.cell);
    this.board.append(this.canvas, this.row);
    const body = element("div", "body");
    body.append(this.title, this.board, this.scale);
    this.figure.append(this.before, body);
    if (act) this.listen(act);
  }

  listen(act) {
    this.board.role = "grid";
    this.board.tabIndex = 0;
    this.board.setAttribute("aria-activedescendant", this.cell.id);
    this.board.onpointermove = event => event.pointerType !== "touch" && act.point(this, ...this.place(event));
    this.board.onpointerleave = () => act.leave(this);
    this.board.onclick = event => act.pin(this, ...this.place(event));
    this.board.onkeydown = event => {
      if (event.key === "Enter") return act.pin(this, ...this.active);
      const step = ARROWS[event.key];
      const end = { Home: 0, End: this.spec.cols - 1 }[event.key];
      if ((!step && end === undefined) || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const [row, col] = this.active;
      const next = step ? [clamp(row + step[0], this.spec.rows), clamp(col + step[1], this.spec.cols)] : [row, end];
      act.walk(this, ...next, step);
    };
  }

  /** The cell under the pointer. */
  place({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const at = length => Math.floor((length - EDGE) / this.side);
    return [clamp(at(clientY - box.top), this.spec.rows), clamp(at(clientX - box.left), this.spec.cols)];
  }

  describe(spec) {
    this.spec = { kind: () => "", origin: [0, 0], marks: [], ...spec };
    const { rows, cols, value, kind } = this.spec;
    this.values = range(rows * cols).map(index => value(Math.floor(index / cols), index % cols));
    this.kinds = range(rows * cols).map(index => kind(Math.floor(index / cols), index % cols));
    this.style = spec.style ?? style(this.values.filter((_, index) => !this.kinds[index]));
    this.active = [clamp(this.active[0], rows), clamp(this.active[1], cols)];
    this.figure.classList.toggle("alone", !spec.before);
    this.before.textContent = spec.before ?? "";
    const symbol = element("i", spec.role, spec.symbol);
    this.title.replaceChildren(`${spec.title} `, symbol);
    this.scale.textContent = spec.style ? "" : this.style.high ? `full colour ±${numeral(this.style.high, 3)}` : "all zero";
    this.board.ariaLabel = `${spec.title}, ${plural(rows, "row")}, ${plural(cols, "column")}`;
    this.board.setAttribute("aria-rowcount", rows);
    this.board.setAttribute("aria-colcount", cols);
  }

  /** Paint all cells, `side` pixels wide. */
  draw(side) {
    this.side = side;
    const { rows, cols } = this.spec;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [cols * side + 2 * EDGE, rows * side + 2 * EDGE];
    for (const canvas of [this.canvas, this.base]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    const context = this.base.getContext("2d");
    const numbered = side >= NUMBERED;
    this.scale.classList.toggle("times", numbered && Boolean(this.style.times));
    this.scale.dataset.times = ` · numbers ${this.style.times}`;
    const palette = scaleOf(this.look.colors, this.style.high);
    if (side < SEPARATE) this.drawPixels(context, palette);
    else this.drawCells(context, palette);
    if (numbered) this.drawNumbers(context, palette);
    this.drawMarks(context, palette);
  }

  drawPixels(context, palette) {
    const { rows, cols } = this.spec;
    const sheet = Object.assign(document.createElement("canvas"), { width: cols, height: rows });
    const pixels = new ImageData(cols, rows);
    this.values.forEach((value, index) => {
      pixels.data.set(this.kinds[index] ? [128, 128, 128, 90] : [...palette.rgb(value), 255], 4 * index);
    });
    sheet.getContext("2d").putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(sheet, EDGE, EDGE, cols * this.side, rows * this.side);
  }

  drawCells(context, palette) {
    const { side, look, kinds } = this;
    const pattern = context.createPattern(look.hatch, "repeat");
    this.each((row, col, value, index) => {
      context.fillStyle = kinds[index] ? look.surface : palette.css(value);
      const box = [EDGE + col * side, EDGE + row * side, side - 1, side - 1];
      context.fillRect(...box);
      if (!kinds[index]) return;
      context.fillStyle = pattern;
      context.fillRect(...box);
    });
  }

  drawNumbers(context, palette) {
    const { side, look, kinds } = this;
    const texts = this.values.map((value, index) =>
      kinds[index] === "absent" ? "" : kinds[index] ? "0" : inCell(value, this.style));
    const size = Math.min(13, side * 0.37);
    context.font = `${size}px ${look.font}`;
    const widest = Math.max(...texts.map(text => context.measureText(text).width));
    const fitted = Math.min(size, (size * (side - 4)) / (widest || 1));
    context.font = `${fitted}px ${look.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    this.each((row, col, value, index) => {
      context.fillStyle = kinds[index] ? look.muted : palette.ink(value);
      context.fillText(texts[index], EDGE + (col + 0.5) * side - 0.5, EDGE + (row + 0.53) * side);
    });
  }

  drawMarks(context, palette) {
    const { side } = this;
    for (const [row, col] of this.spec.marks) {
      context.fillStyle = palette.ink(this.values[row * this.spec.cols + col]);
      context.beginPath();
      context.arc(EDGE + (col + 1) * side - side * 0.17, EDGE + row * side + side * 0.16, Math.max(1, side * 0.08), 0, 7);
      context.fill();
    }
  }

  each(visit) {
    this.values.forEach((value, index) => visit(Math.floor(index / this.spec.cols), index % this.spec.cols, value, index));
  }

  /** Show the cells again, the lit ones bright and outlined, the others covered where `dim` says so. */
  light(lit, { dim = false, term = null, upTo = -1 } = {}) {
    const context = this.canvas.getContext("2d");
    const { rows, cols } = this.spec;
    const ratio = window.devicePixelRatio || 1;
    const { side, look } = this;
    const copy = (x, y, width, height) =>
      context.drawImage(this.base, x * ratio, y * ratio, width * ratio, height * ratio, x, y, width, height);
    const box = (row, col, down, right) => [EDGE + col * side, EDGE + row * side, right * side, down * side];
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.base, 0, 0, this.canvas.width / ratio, this.canvas.height / ratio);
    const boxes = runs(lit?.rows ?? []).flatMap(([row, down]) =>
      runs(lit.cols).map(([col, right]) => box(row, col, down, right)));
    if (dim) {
      context.fillStyle = look.veil;
      context.fillRect(0, 0, cols * side + 2 * EDGE, rows * side + 2 * EDGE);
      boxes.forEach(area => copy(...area));
    }
    if (upTo >= 0) {
      context.fillStyle = look.background;
      this.each((row, col, _, index) => index > upTo && context.fillRect(...box(row, col, 1, 1)));
    }
    const frame = (area, colour, width) => {
      const [x, y, w, h] = area;
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(x - 0.5, y - 0.5, w, h);
    };
    const outlined = boxes.length < 200 || side >= 5 ? boxes : [];
    const hue = look.hues[this.spec.role] ?? look.text;
    outlined.forEach(area => frame(area, look.background, side >= SEPARATE ? 5 : 3));
    outlined.forEach(area => frame(area, hue, side >= SEPARATE ? 2.5 : 1.5));
    if (!term) return;
    const [x, y, w, h] = box(...term, 1, 1);
    frame([x + 2, y + 2, w - 4, h - 4], look.text, 4);
    frame([x + 2, y + 2, w - 4, h - 4], look.background, 1.5);
  }

  /** Tell assistive technology which cell the keys are at. */
  announce() {
    const [row, col] = this.active;
    const { origin, name } = this.spec;
    const index = row * this.spec.cols + col;
    const kinds = { border: "padding, ", gap: "between upstream cells, ", absent: "nothing here, " };
    const where = name?.(row, col) ?? `row ${row - origin[0]}, column ${col - origin[1]}`;
    this.row.setAttribute("aria-rowindex", row + 1);
    this.cell.setAttribute("aria-colindex", col + 1);
    this.cell.ariaLabel = `${kinds[this.kinds[index]] ?? ""}${where}: ${numeral(this.values[index])}`.replaceAll("-", "−");
    this.cell.ariaSelected = "true";
  }
}

/** How wide the titles of grids are, in screen pixels. */
function titleWidths(specs, font) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `600 14px ${font}`;
  return specs.map(({ title, symbol }) => context.measureText(`${title} ${symbol}`).width + 12);
}
