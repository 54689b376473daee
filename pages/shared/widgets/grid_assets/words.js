/** The colours of the page: those of the theme that its background belongs to. */
function lookOf(root, data) {
  const css = getComputedStyle(root);
  const page = css.getPropertyValue("--st-background-color").trim() || "#ffffff";
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = page;
  const background = probe.fillStyle;
  const [red, green, blue] = [1, 3, 5].map(at => parseInt(background.slice(at, at + 2), 16));
  const scheme = 0.299 * red + 0.587 * green + 0.114 * blue > 128 ? "light" : "dark";
  const theme = data.themes[scheme];
  const hatch = Object.assign(document.createElement("canvas"), { width: 7, height: 7 });
  const lines = hatch.getContext("2d");
  lines.strokeStyle = theme.neutral;
  lines.globalAlpha = 0.8;
  lines.beginPath();
  for (const shift of [-7, 0, 7]) {
    lines.moveTo(shift, 7);
    lines.lineTo(shift + 7, 0);
  }
  lines.stroke();
  const colors = data.colors.match(/.{6}/g).map(colour => [0, 2, 4].map(at => parseInt(colour.slice(at, at + 2), 16)));
  return { ...theme, scheme, background, veil: `${background}8c`, hatch, colors, font: css.fontFamily };
}

/** A group of radio buttons, made anew only if it has other names. */
function radios(group, name, labels, chosen, choose) {
  if (String([...group.children].map(label => label.textContent)) !== String(labels)) {
    group.replaceChildren(...labels.map(text => {
      const label = element("label");
      label.append(Object.assign(document.createElement("input"), { type: "radio", name }), element("span", "", text));
      return label;
    }));
  }
  [...group.children].forEach((label, at) => {
    const input = label.firstChild;
    input.checked = at === chosen;
    input.onchange = () => choose(at);
  });
}

const channelName = (op, channel) => (/^\d+$/.test(op.names[channel]) ? `channel ${op.names[channel]}` : op.names[channel]);

/** The switch and the tabs of the input's channels. */
function showSwitches(own) {
  const { op, mode } = own;
  radios(own.part("modes"), "mode", op.modes.map(({ label }) => label), op.modes.indexOf(mode), at => own.setMode(op.modes[at]));
  own.part("channels").hidden = op.channels < 2;
  radios(own.part("tabs"), "channel", op.names, own.channel, at => own.setChannel(at));
  [...own.part("tabs").children].forEach((tab, at) => tab.classList.toggle("unseen", !op.sees(at)));
}

/** The cell in the middle of what is lit. */
const middleOf = ({ rows, cols }, spec) => [
  clamp(rows[rows.length >> 1] ?? 0, spec.rows), clamp(cols[cols.length >> 1] ?? 0, spec.cols),
];

const agrees = (value, expected, mass) =>
  (Number.isNaN(value) && Number.isNaN(expected)) || value === expected ||
  Math.abs(value - expected) <= 1e-6 * Math.max(mass, Math.abs(expected));

/** Of a whole grid: how many numbers agree with autograd's, and how far they are from them at most. */
function verdictOf(cells, expected) {
  let right = 0, far = 0;
  cells.forEach(({ value, mass }, index) => {
    const other = expected(index);
    right += other !== undefined && agrees(value, other, mass);
    if (Number.isFinite(other - value)) far = Math.max(far, Math.abs(other - value));
  });
  return { right, far, count: cells.length };
}

function notesOf({ op, mode, channel, view }) {
  const notes = [];
  const { size } = op.down, count = size * op.right.size;
  const values = op.image.slice(channel * count, (channel + 1) * count);
  const missing = values.filter(value => !Number.isFinite(value)).length;
  const name = op.channels > 1 ? `Input ${channelName(op, channel)}` : "The input";
  if (missing) notes.push(`${name} has ${plural(missing, "cell")} without a finite number: every sum with one of them has none either.`);
  else if (count > 1 && values.every(value => value === values[0])) {
    notes.push(`${name} is ${numeral(values[0])} everywhere: windows differ only where they reach into the padding.`);
  }
  if (!op.sees(channel)) {
    notes.push(`${name} belongs to another group: this output channel does not look at it, and its gradient through it is 0.`);
  }
  if (mode.name === "image" && op instanceof Convolution) {
    notes.push("This is what comes through this one output channel; the whole gradient at the input adds those of all of them.");
    if (op.down.before > op.down.span - 1 || op.right.before > op.right.span - 1) {
      notes.push("The padding is wider than the kernel: upstream cells whose window lies all in the padding are not drawn.");
    }
  }
  if (view) notes.push(mode.note(view));
  return [...notes, ...op.notes()].filter(Boolean);
}

const SHARES = { share: { style: { high: 1, power: 0, decimals: 2, times: "" } } }; // of a pooling window: never above 1

const sumOf = (count, one, many, sum) =>
  count === 1 ? `The only ${one} is ${numeral(sum)}.` : count ? `The ${count} ${many} add up to ${numeral(sum)}.` : "No window sees this cell.";

/** The three small grids: what met what, and the products. */
function showDetail(own, here) {
  const { words } = own.mode;
  const [box, sum] = [own.part("products"), own.part("sum")];
  box.hidden = !words;
  if (words) {
    const sources = own.mode.parts ?? own.mode.factors;
    const { rows, cols } = here;
    const across = Math.floor((Math.min(own.room, 700) - 40 - 2 * SIGN) / 3 / cols);
    const wide = across >= 22 || own.room >= 700 ? across : Math.floor((own.room - 80) / cols);
    const side = Math.max(1, Math.min(36, wide, Math.floor(240 / rows)));
    [here.a, here.b, here.products].forEach((values, index) => {
      const grid = own.details[index];
      const source = own.shown.find(({ key }) => key === sources[index]) ?? SHARES[sources[index]];
      grid.describe({
        key: grid.key, title: words[index], symbol: "", rows, cols,
        before: ["", "×", "="][index], value: (row, col) => values[row * cols + col],
        style: source?.style, kind: (row, col) => (index === 0 && here.kinds?.[row * cols + col]) || "",
      });
      grid.draw(side);
      grid.light(null, { term: own.term >= 0 && own.term < rows * cols && !own.view ? [Math.floor(own.term / cols), own.term % cols] : null });
    });
    if (!box.children.length) box.append(...own.details.map(grid => grid.figure));
    const of = here.parts && own.op.channels > 1 ? ` of ${channelName(own.op, own.channel)}` : "";
    sum.textContent = own.mode.largest
      ? `The largest of the ${plural(rows * cols, "cell")} is ${numeral(here.sum)}.`
      : sumOf(rows * cols, `product${of}`, `products${of}`, here.sum);
  } else sum.textContent = sumOf(here.products.length, "upstream cell", "upstream cells", here.sum);
  own.part("levels").replaceChildren(...levels(own, here));
  const detail = own.part("detail");
  if (detail.offsetHeight > (parseFloat(detail.style.minHeight) || 0)) detail.style.minHeight = `${detail.offsetHeight}px`;
}

/** The second level: what each channel gives, and the bias. */
function levels({ op, channel }, { parts, bias, value }) {
  const named = part => (op.channels > 1 ? channelName(op, part.channel) : "products");
  if (!parts || (parts.length < 2 && bias === null)) return [];
  const shown = parts.slice(0, MOST_TERMS);
  const words = shown.map(part => {
    const node = element("span", part.channel === channel && op.channels > 1 ? "level here" : "level");
    node.append(`${named(part)}: `, element("b", "", numeral(part.sum)));
    return node;
  });
  const rest = parts.slice(MOST_TERMS).reduce((sum, part) => sum + part.sum, 0);
  if (parts.length > MOST_TERMS) {
    words.push(element("span", "level", `… and ${parts.length - MOST_TERMS} more: ${numeral(rest)}`));
  }
  if (bias !== null) words.push(element("span", "level", `bias ${numeral(bias)}`));
  const line = words.flatMap((word, at) => (at ? [element("span", "sign", "+"), word] : [word]));
  const end = element("span", "level");
  end.append(element("span", "sign", "= "), element("b", "", numeral(value)));
  return [...line, end];
}

/** The line with numbers, the comparison with autograd, the place, and the sentence for a screen reader. */
function showWords(own, here) {
  const { mode, op, channel, target } = own;
  const terms = here.flat
    ? here.flat.map(({ a, b, kind }) => ({ a: b, b: a, product: a * b, kinds: ["", kind] }))
    : here.a.map((a, index) => ({ a, b: here.b?.[index], product: here.products[index], kinds: [here.kinds?.[index], ""] }));
  const scale = key => scaleOf(own.look.colors, own.shown.find(grid => grid.key === key)?.style.high ?? 1);
  const [first, second] = mode.factors;
  const palettes = [scale(first), second && scale(second), scale(mode.result)];
  const others = here.flat ? [] : (here.parts ?? []).filter(part => part.channel !== channel);
  const tail = [];
  if (others.length) tail.push(`+ ${plural(others.length, "other channel")} ${numeral(others.reduce((sum, part) => sum + part.sum, 0), 3)}`);
  if (here.parts && here.bias !== null) tail.push(`+ bias ${numeral(here.bias, 3)}`);
  const symbol = { forward: "y", matrix: "y", weight: "∂L/∂k", image: "∂L/∂x", bias: "∂L/∂b" }[mode.name];
  const layered = op.channels > 1 && ["weight", "image"].includes(mode.name) ? [channel] : [];
  const lead = mode.terms ? symbol : `${symbol}(${[...layered, ...target].join(", ")})`;
  const unseen = here.parts && !op.sees(channel);
  own.part("numbers").replaceChildren(
    ...numbersLine(unseen && !here.flat ? [] : terms, palettes, { lead, tail, value: here.value, largest: mode.largest }));
  [...own.part("numbers").querySelectorAll(".term")].forEach(node =>
    node.classList.toggle("here", own.term >= 0 && +node.dataset.term === own.term));
  showCheck(own, here);
  const [row, col] = target;
  const place = mode.terms ? "" : ` · row ${row}, column ${col}`;
  own.part("where").textContent = `${own.placed + 1} of ${own.places}${place}`;
  own.part("scrubber").value = own.placed;
  own.part("scrubber").style.setProperty("--done", `${(100 * own.placed) / Math.max(1, own.places - 1)}%`);
  own.part("scrubber").setAttribute("aria-valuetext", own.part("where").textContent);
}

function showCheck(own, here) {
  const { mode, channel, target, verdict } = own;
  const expected = mode.expected(channel, target);
  const number = (name, value) => Object.assign(element("data", name, numeral(value)), { value: String(value) });
  const line = ["by hand ", number("hand", here.value)];
  let words = "autograd's number was not given";
  if (expected !== undefined) {
    const right = agrees(here.value, expected, here.mass);
    words = right ? "✓ they agree" : `✗ they differ by ${numeral(Math.abs(here.value - expected), 3)}`;
    const badge = element("span", right ? "verdict right" : "verdict wrong", words);
    line.push(" · autograd ", number("autograd", expected), badge);
    const { right: good, count, far } = verdict;
    if (count > 1) line.push(element("span", "overall", `whole grid: ${good} of ${count} agree, ${far ? `at most ${numeral(far, 2)} apart` : "to the last digit"}`));
  } else line.push(` · ${words}`);
  own.part("check").replaceChildren(...line);
  clearTimeout(own.speaking);
  const lead = own.part("numbers").firstChild.textContent;
  own.speaking = setTimeout(() => {
    own.part("live").textContent = own.playing ? "" : `${lead} ${numeral(here.value)}, ${words}${own.pinned ? ", pinned" : ""}`;
  }, 250);
}
