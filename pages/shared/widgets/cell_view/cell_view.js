const PART = /\{(\w+)\}/; // in a template: a grid, or a number that holds for all cells
const views = new WeakMap(); // what lives as long as the page shows the widget: the place and the pin

const cellAt = ([row, col]) => ({ rows: [row], cols: [col] });

/** A template as its parts: words, and the names between braces. */
const partsOf = template => template.split(PART).map((text, at) => (at % 2 ? { name: text } : { text }));

class CellView {
  constructor(root) {
    this.root = root;
    this.part = name => root.querySelector(`.${name}`);
    this.grids = new Map();
    Object.assign(this, { target: null, pinned: false });
    this.act = {
      point: (grid, row, col) => this.pinned || this.go(grid, row, col),
      leave: () => {},
      pin: (grid, row, col) => this.pin(grid, row, col),
      walk: (grid, row, col) => this.go(grid, row, col),
    };
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.part("grids"));
    root.onkeydown = event => {
      if (event.key === "Escape" && this.pinned) this.setPin(false);
    };
    this.part("unpin").onclick = () => this.setPin(false);
  }

  receive(data) {
    this.data = data;
    this.look = lookOf(this.root, data);
    for (const [role, hue] of Object.entries(this.look.hues)) this.root.style.setProperty(`--${role}`, hue);
    this.root.ariaLabel = data.label;
    this.root.style.colorScheme = this.look.scheme;
    this.part("bar").style.background = data.legend;
    this.values = new Map(data.grids.map(grid => [grid.name, unpack(grid.values)]));
    this.about = new Map(data.grids.map(grid => [grid.name, grid]));
    this.target = (this.target ?? data.start).map((place, side) => clamp(place, [data.rows, data.cols][side]));
    this.mode = data.modes.find(mode => mode.title === this.mode?.title) ?? data.modes[0];
    radios(this.part("modes"), "mode", data.modes.map(mode => mode.title), data.modes.indexOf(this.mode), at =>
      this.setMode(data.modes[at]));
    this.setMode(this.mode);
  }

  setMode(mode) {
    this.mode = mode;
    this.parts = partsOf(mode.template);
    const row = math("mrow", this.parts.flatMap(part => this.symbol(part)));
    this.part("formula").replaceChildren(math("math", row));
    this.part("kind").textContent = mode.words;
    const expected = this.data.autograd[mode.result] && unpack(this.data.autograd[mode.result]);
    const cells = [...this.values.get(mode.result)].map(value => ({ value, mass: Math.abs(value) }));
    this.expected = expected;
    this.verdict = verdictOf(cells, index => expected?.[index]);
    this.fit(true);
  }

  symbol({ text, name }) {
    if (!name) return text ? [math("mtext", text.replace(/^ | $/g, "\u00a0"))] : [];
    const grid = this.about.get(name);
    return [grid ? sign(grid.symbol, grid.role) : sign(this.data.numbers[name].symbol)];
  }

  fit(always = false) {
    const room = this.part("grids").clientWidth;
    if (!this.mode || room <= 0 || (!always && Math.abs(room - this.room) < 2)) return;
    this.room = room;
    const { rows, cols, row_names: down, col_names: across } = this.data;
    const specs = this.mode.grids.map((name, at) => {
      const { title, symbol, role } = this.about.get(name);
      const label = (row, col) => [down[row], across[col]].filter(Boolean).join(", ") || `row ${row}, column ${col}`;
      return { key: name, title, symbol, role, rows, cols, name: label, before: at ? " " : "",
        value: (row, col) => this.values.get(name)[row * cols + col] };
    });
    const sizes = fitted(specs, room, titleWidths(specs, this.look.font));
    this.shown = specs.map((spec, at) => {
      if (!this.grids.has(spec.key)) this.grids.set(spec.key, new Grid(spec.key, this.look, this.act));
      const grid = this.grids.get(spec.key);
      grid.look = this.look;
      grid.describe(spec);
      grid.draw(sizes[at]);
      return grid;
    });
    this.part("grids").replaceChildren(...this.shown.map(grid => grid.figure));
    this.show();
  }

  go(grid, row, col) {
    this.target = [row, col];
    this.show();
  }

  pin(grid, row, col) {
    const same = this.target[0] === row && this.target[1] === col;
    this.go(grid, row, col);
    this.setPin(!(this.pinned && same));
  }

  setPin(pinned) {
    this.pinned = pinned;
    this.part("unpin").hidden = !pinned;
  }

  show() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.render();
    });
  }

  render() {
    const [row, col] = this.target;
    const index = row * this.data.cols + col;
    for (const grid of this.shown) {
      grid.active = [row, col];
      grid.light(cellAt(this.target));
      grid.announce();
    }
    this.part("numbers").replaceChildren(...this.parts.map(part => this.number(part, index)));
    const value = this.values.get(this.mode.result)[index];
    const other = this.expected?.[index];
    const number = (name, of) => Object.assign(element("data", name, numeral(of)), { value: String(of) });
    const line = ["by hand ", number("hand", value)];
    let words = "";
    if (other !== undefined) {
      const right = agrees(value, other, Math.abs(value));
      words = right ? "✓ they agree" : `✗ they differ by ${numeral(Math.abs(value - other), 3)}`;
      line.push(" · autograd ", number("autograd", other), element("span", right ? "verdict right" : "verdict wrong", words));
      const { right: good, count } = this.verdict;
      line.push(element("span", "overall", `whole grid: ${good} of ${count} agree`));
    }
    this.part("check").replaceChildren(...line);
    const { row_names: down, col_names: across } = this.data;
    const place = [down[row], across[col]].filter(Boolean).join(", ") || `row ${row}, column ${col}`;
    this.part("where").textContent = `Here: ${place}`;
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      this.part("live").textContent = `${place}: ${this.about.get(this.mode.result).symbol} ${numeral(value)}, ${words}`;
    }, 250);
  }

  number({ text, name }, index) {
    if (!name) return element("span", "", text);
    if (this.data.numbers[name]) return element("span", "constant", numeral(unpack(this.data.numbers[name].value)[0]));
    const high = this.grids.get(name)?.style?.high ?? style(this.values.get(name)).high;
    return chip(this.values.get(name)[index], scaleOf(this.look.colors, high));
  }

  end() {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.speaking);
  }
}

export default function ({ data, parentElement }) {
  if (!views.has(parentElement)) views.set(parentElement, new CellView(parentElement.querySelector(".view")));
  const view = views.get(parentElement);
  view.receive(data);
  return () => {
    view.end();
    views.delete(parentElement);
  };
}
