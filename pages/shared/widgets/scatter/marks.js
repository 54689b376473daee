/** Draw a shape of radius r around (x, y); the context's fill style is its colour. */
const SHAPES = {
  circle: (c, x, y, r) => c.arc(x, y, r, 0, 2 * Math.PI),
  square: (c, x, y, r) => c.rect(x - 0.88 * r, y - 0.88 * r, 1.76 * r, 1.76 * r),
  "triangle-up": (c, x, y, r) => corners(c, [x, y - 1.2 * r, x + 1.1 * r, y + 0.85 * r, x - 1.1 * r, y + 0.85 * r]),
  diamond: (c, x, y, r) => corners(c, [x, y - 1.3 * r, x + 1.3 * r, y, x, y + 1.3 * r, x - 1.3 * r, y]),
  cross: (c, x, y, r) => {
    c.rect(x - 1.2 * r, y - 0.4 * r, 2.4 * r, 0.8 * r);
    c.rect(x - 0.4 * r, y - 1.2 * r, 0.8 * r, 2.4 * r);
  },
  "triangle-down": (c, x, y, r) => corners(c, [x, y + 1.2 * r, x + 1.1 * r, y - 0.85 * r, x - 1.1 * r, y - 0.85 * r]),
  "triangle-right": (c, x, y, r) => corners(c, [x + 1.2 * r, y, x - 0.85 * r, y + 1.1 * r, x - 0.85 * r, y - 1.1 * r]),
  "triangle-left": (c, x, y, r) => corners(c, [x - 1.2 * r, y, x + 0.85 * r, y + 1.1 * r, x + 0.85 * r, y - 1.1 * r]),
};

function corners(c, at) {
  c.moveTo(at[0], at[1]);
  for (let i = 2; i < at.length; i += 2) c.lineTo(at[i], at[i + 1]);
  c.closePath();
}
