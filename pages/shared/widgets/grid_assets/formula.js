const MATHML = "http://www.w3.org/1998/Math/MathML";
const MOST_TERMS = 12;

function math(tag, ...children) {
  const node = document.createElementNS(MATHML, tag);
  node.append(...children.flat());
  return node;
}

/** One sign: a number, a letter or an operator. */
function sign(text, role = "") {
  const tag = /^[\d.]+°?$/.test(text) ? "mn" : /^[\p{L}∂]/u.test(text) ? "mi" : "mo";
  const node = math(tag, text);
  if (role) node.setAttribute("class", role);
  return node;
}
const signs = texts => math("mrow", texts.filter(text => text !== "").map(text => sign(String(text))));
const indexed = (letter, role, indices) => math("msub", sign(letter, role), signs(indices));
const total = indices => math("munder", sign("∑"), signs(indices));

/** A gradient as a fraction; the letter below carries the indices. */
function gradient(letter, role, indices) {
  const below = indices.length ? indexed(letter, "", indices) : sign(letter);
  const fraction = math("mfrac", signs(["∂", "L"]), math("mrow", sign("∂"), below));
  fraction.setAttribute("class", role);
  return fraction;
}
const list = (...parts) => parts.filter(part => part?.length).flatMap((part, at) => (at ? [",", ...part] : part));

/** Where a window's cell lies, with the numbers of this layer in it: 2m − 1 + 3i. */
const place = (axis, window, cell) => [
  axis.stride === 1 ? "" : axis.stride, window,
  ...(axis.before ? ["−", axis.before] : []),
  "+", axis.dilation === 1 ? "" : axis.dilation, cell,
];

const FORMULAS = {
  forward(op) {
    const c = op.channels > 1 ? ["c"] : [];
    const kernel = op.flip
      ? list(c, [op.down.kernel - 1, "−", "i"], [op.right.kernel - 1, "−", "j"]) : list(c, ["i"], ["j"]);
    return [
      indexed("y", "output", list(["m"], ["n"])), sign("="), ...(c.length ? [total(c)] : []), total(list(["i"], ["j"])),
      indexed("x", "input", list(c, place(op.down, "m", "i"), place(op.right, "n", "j"))), sign("·"),
      indexed("k", "kernel", kernel), ...(op.bias === null ? [] : [sign("+"), sign("b")]),
    ];
  },
  weight(op) {
    const c = op.channels > 1 ? ["c"] : [];
    const turned = op.flip ? [op.down.kernel - 1, "−", "i"] : null;
    const at = turned ? list(c, turned, [op.right.kernel - 1, "−", "j"]) : list(c, ["i"], ["j"]);
    return [
      gradient("k", "output", at), sign("="), total(list(["m"], ["n"])),
      indexed("x", "input", list(c, place(op.down, "m", "i"), place(op.right, "n", "j"))), sign("·"),
      gradient("y", "upstream", list(["m"], ["n"])),
    ];
  },
  image(op) {
    const c = op.channels > 1 ? ["c"] : [];
    const step = (axis, from, cell) => [from, "+", axis.dilation === 1 ? "" : axis.dilation, cell];
    const spread = indexed("g", "upstream", list(step(op.down, "u", "i"), step(op.right, "v", "j")));
    const turned = math("msubsup", sign("k", "kernel"), signs(list(c, ["i"], ["j"])), sign("180°"));
    const kernel = op.flip ? indexed("k", "kernel", list(c, ["i"], ["j"])) : turned;
    return [gradient("x", "output", list(c, ["u"], ["v"])), sign("="), total(list(["i"], ["j"])), spread, sign("·"), kernel];
  },
  bias: () => [
    gradient("b", "output", []), sign("="), total(list(["m"], ["n"])), gradient("y", "upstream", list(["m"], ["n"])),
  ],
  matrix: op => [
    indexed("y", "output", ["q"]), sign("="), total(["p"]), indexed("k", "kernel", ["p"]), sign("·"),
    indexed("u", "input", list(["p"], ["q"])), ...(op.bias === null ? [] : [sign("+"), sign("b")]),
  ],
  pooled(op) {
    const under = list(["i"], ["j"]);
    const cell = indexed("x", "input", list(place(op.down, "m", "i"), place(op.right, "n", "j")));
    const what = op.max
      ? [math("munder", math("mo", "max"), signs(under))]
      : [math("mfrac", sign("1"), sign(String(op.cells))), total(under)];
    return [indexed("y", "output", list(["m"], ["n"])), sign("="), ...what, cell];
  },
  routed(op) {
    const below = gradient("y", "upstream", list(["m"], ["n"]));
    const share = op.max
      ? math("mrow", sign("["), indexed("x", "input", list(["u"], ["v"])), math("mtext", " was largest"), sign("]"))
      : math("mfrac", sign("1"), sign(String(op.cells)));
    return [gradient("x", "output", list(["u"], ["v"])), sign("="), total(list(["m"], ["n"])), below, sign("·"), share];
  },
};

function formula(op, name) {
  const pooling = op instanceof Pooling;
  const key = pooling ? { forward: "pooled", image: "routed" }[name] : name;
  const node = math("math", math("mrow", FORMULAS[key](op)));
  node.setAttribute("display", "block");
  return node;
}

/** A number on the colour of its cell. */
function chip(value, palette, kind = "") {
  const node = element("span", "chip", kind === "absent" ? "–" : numeral(value, 3));
  if (kind) node.classList.add("hatched");
  else Object.assign(node.style, { background: palette.css(value), color: palette.ink(value) });
  return node;
}

/** The sum with its numbers: each term on the colours of its cells, the first twelve of them. */
function numbersLine(terms, palettes, { lead, tail, value, largest }) {
  const line = [element("span", "lead", `${lead} =${largest ? " max of" : ""}`)];
  const [first, second, result] = palettes;
  terms.slice(0, MOST_TERMS).forEach(({ a, b, kinds }, index) => {
    const group = element("span", "term");
    if (index && !largest) group.append("+ ");
    group.append(chip(a, first, kinds[0]));
    if (second && !largest) group.append(" · ", chip(b, second, kinds[1]));
    group.dataset.term = index;
    line.push(group);
  });
  const rest = terms.slice(MOST_TERMS);
  if (rest.length) {
    const left = rest.reduce((sum, term) => sum + term.product, 0);
    line.push(element("span", "rest", largest ? `… and ${rest.length} more` : `+ … and ${rest.length} more (${numeral(left, 3)})`));
  }
  tail.forEach(text => line.push(element("span", "rest", text)));
  const end = element("span", "term");
  end.append("= ", chip(value, result));
  line.push(end);
  return line;
}
