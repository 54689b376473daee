const PACE = [60, 600]; // milliseconds a step of the slide: all of it in about twelve seconds, but never outside this
const instances = new WeakMap(); // what lives as long as the page shows the widget: the place, the pin, the slide

class View {
  constructor(root) {
    this.root = root;
    this.part = name => root.querySelector(`.${name}`);
    this.grids = new Map();
    this.targets = {};
    Object.assign(this, { term: -1, channel: 0, pinned: false, view: null });
    this.act = {
      point: (grid, row, col) => this.playing || this.go(grid, row, col, !this.pinned),
      leave: () => this.setTerm(-1),
      pin: (grid, row, col) => this.pin(grid, row, col),
      walk: (grid, row, col, step) => this.walk(grid, row, col, step),
    };
    this.details = ["a", "b", "products"].map(key => new Grid(key, {}, null));
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.part("grids"));
    root.onkeydown = event => this.key(event);
    this.part("play").onclick = () => this.toggle();
    this.part("unpin").onclick = () => this.setPin(false);
    this.part("scrubber").oninput = event => this.step(+event.target.value);
    this.part("numbers").onpointermove = event => this.setTerm(+(event.target.closest("[data-term]")?.dataset.term ?? -1));
    this.part("numbers").onpointerleave = () => this.setTerm(-1);
  }

  receive(data) {
    this.data = data;
    this.op = data.pool ? new Pooling(data) : new Convolution(data);
    this.look = lookOf(this.root, data);
    for (const [role, hue] of Object.entries(this.look.hues)) this.root.style.setProperty(`--${role}`, hue);
    this.root.ariaLabel = data.label;
    this.root.style.colorScheme = this.look.scheme;
    this.root.classList.toggle("single", this.op.channels < 2);
    this.part("kind").textContent = data.kind;
    this.part("bar").style.background = data.legend;
    this.channel = this.seenOnce ? clamp(this.channel, this.op.channels) : this.op.first;
    this.seenOnce = true;
    this.mode = this.op.modes.find(mode => mode.name === this.mode?.name) ?? this.op.modes[0];
    for (const mode of this.op.modes) {
      const old = this.targets[mode.name] ?? mode.size.map(places => places >> 1);
      this.targets[mode.name] = old.map((place, side) => clamp(place, mode.size[side]));
    }
    showSwitches(this);
    this.setMode(this.mode);
  }

  get target() {
    return this.targets[this.mode.name];
  }
  set target(place) {
    this.targets[this.mode.name] = place;
  }

  /** Places of the slide: cells of the result, or terms of the one sum. */
  get places() {
    return this.mode.terms ?? this.mode.size[0] * this.mode.size[1];
  }
  get placed() {
    return this.mode.terms ? Math.max(0, this.term) : this.target[0] * this.mode.size[1] + this.target[1];
  }

  setMode(mode) {
    this.stop();
    Object.assign(this, { mode, term: -1, view: null });
    this.part("detail").style.minHeight = "";
    this.part("channels").classList.toggle("idle", Boolean(mode.terms));
    this.part("formula").replaceChildren(formula(this.op, mode.name));
    Object.assign(this.part("scrubber"), { max: this.places - 1, disabled: this.places < 2 });
    this.part("play").disabled = this.places < 2;
    this.setChannel(this.channel);
  }

  setChannel(channel) {
    this.channel = channel;
    const tab = this.part("tabs").children[channel];
    if (tab) tab.querySelector("input").checked = true;
    tab?.parentElement.scrollTo?.({ left: tab.offsetLeft - tab.parentElement.clientWidth / 2 });
    const [rows, cols] = this.mode.size;
    const cells = this.mode.totals?.() ?? range(rows * cols).map(index =>
      this.mode.at(channel, [Math.floor(index / cols), index % cols]));
    this.verdict = verdictOf(cells, index => this.mode.expected(channel, [Math.floor(index / cols), index % cols]));
    this.totals = cells.map(cell => cell.value);
    this.fit(true);
  }

  /** Lay the grids of this mode out for the room there is. */
  fit(always = false) {
    const room = this.part("grids").clientWidth;
    if (!this.mode || room <= 0 || (!always && Math.abs(room - this.room) < 2)) return;
    this.room = room;
    this.view = this.mode.cut?.(this.channel, this.target, fits(room)) ?? null;
    this.describe();
    this.show();
  }

  describe() {
    const specs = this.mode.grids(this.channel, this.view).map(spec =>
      spec.value ? spec : { ...spec, value: (row, col) => this.totals[row * spec.cols + col] });
    const sizes = this.view ? specs.map(() => MATRIX_CELL) : fitted(specs, this.room, titleWidths(specs, this.look.font));
    this.shown = specs.map((spec, index) => {
      if (!this.grids.has(spec.key)) this.grids.set(spec.key, new Grid(spec.key, this.look, this.act));
      const grid = this.grids.get(spec.key);
      grid.look = this.look;
      grid.describe(spec);
      grid.draw(sizes[index]);
      return grid;
    });
    const figures = this.shown.map(grid => grid.figure);
    const now = [...this.part("grids").children];
    if (now.length !== figures.length || figures.some((figure, at) => figure !== now[at])) {
      this.part("grids").replaceChildren(...figures);
    }
    this.details.forEach(grid => (grid.look = this.look));
    this.part("notes").replaceChildren(...notesOf(this).map(text => element("li", "", text)));
  }

  /** Paint on the next frame: many events in one frame are one picture. */
  show() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.render();
    });
  }

  render() {
    if (this.view) {
      const view = this.mode.cut(this.channel, this.target, fits(this.room), this.view);
      if (view.left !== this.view.left || view.top !== this.view.top) {
        this.view = view;
        this.describe();
      }
    }
    const here = this.mode.at(this.channel, this.target);
    const lit = this.mode.lit(this.target, this.view);
    const ends = this.term < 0 ? {} : this.mode.term(this.target, this.term, this.view);
    for (const grid of this.shown) {
      const result = grid.key === this.mode.result;
      const upTo = this.playing && result && !this.view ? this.placed : -1;
      const dim = !result && grid.spec.before !== "";
      grid.light(lit[grid.key], { dim, term: ends[grid.key], upTo });
      if (grid !== this.source && lit[grid.key] && !ends[grid.key]) grid.active = middleOf(lit[grid.key], grid.spec);
      if (ends[grid.key] && grid !== this.source) grid.active = ends[grid.key];
      grid.announce();
    }
    showDetail(this, here);
    showWords(this, here);
  }

  go(grid, row, col, moves) {
    if (this.mode.terms && !moves) return;
    grid.active = [row, col];
    this.source = grid;
    const hit = this.mode.point[grid.key](row, col, this.target, this.view);
    if (hit.target && moves) this.target = hit.target;
    this.term = hit.term ?? -1;
    this.show();
  }

  walk(grid, row, col, step) {
    this.stop();
    const moved = this.mode.walk?.(grid.key, this.target, step);
    if (!moved) return this.go(grid, row, col, true);
    this.source = null;
    this.target = moved;
    return this.show();
  }

  setTerm(term) {
    if (this.playing || this.term === term || (this.mode.terms && (term < 0 || this.pinned))) return;
    this.term = term;
    this.show();
  }

  pin(grid, row, col) {
    const before = this.placed;
    this.stop();
    this.go(grid, row, col, true);
    this.setPin(!(this.pinned && before === this.placed));
  }

  setPin(pinned) {
    this.pinned = pinned;
    this.root.classList.toggle("pinned", pinned);
    this.part("unpin").hidden = !pinned;
    this.show();
  }

  /** Go to a place of the slide. */
  step(index) {
    this.source = null;
    if (this.mode.terms) this.term = index;
    else this.target = [Math.floor(index / this.mode.size[1]), index % this.mode.size[1]];
    this.show();
  }

  toggle() {
    if (this.playing) return this.stop();
    if (this.places < 2) return undefined;
    const next = () => this.step((this.placed + 1) % this.places);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return next(); // one step a press
    this.setPin(false);
    if (this.placed === this.places - 1) this.step(0);
    this.playing = setInterval(() => {
      next();
      if (this.placed === this.places - 1) this.stop();
    }, Math.max(PACE[0], Math.min(PACE[1], 12000 / this.places)));
    this.part("play").ariaLabel = this.part("play").title = "Pause";
    this.root.classList.add("playing");
    return this.show();
  }

  stop() {
    if (!this.playing) return;
    clearInterval(this.playing);
    this.playing = null;
    this.part("play").ariaLabel = this.part("play").title = "Play the slide";
    this.root.classList.remove("playing");
    this.show();
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const turn = { "[": -1, "]": 1 }[event.key];
    if (event.key === " " && !event.target.closest("button")) this.toggle();
    else if (event.key === "Escape" && (this.pinned || this.playing)) {
      this.stop();
      this.setPin(false);
    } else if (turn && this.op.channels > 1) this.setChannel(clamp(this.channel + turn, this.op.channels));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  end() {
    this.stop();
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.speaking);
  }
}

export default function ({ data, parentElement }) {
  if (!instances.has(parentElement)) instances.set(parentElement, new View(parentElement.querySelector(".view")));
  const view = instances.get(parentElement);
  view.receive(data);
  return () => {
    view.end();
    instances.delete(parentElement);
  };
}
