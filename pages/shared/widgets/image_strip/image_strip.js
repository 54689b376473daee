const GAP = 6; // as in the style sheet
const EVEN = 0.65; // of its side, which a tile keeps at least for full rows
const instances = new WeakMap(); // what lives as long as the page shows the film: its sheet, and how it fits the room

/** Put the decoded sheet behind the tiles: the old one stays until the new one can be drawn. */
async function loadSheet(own, png, film) {
  own.png = png;
  const url = `data:image/png;base64,${png}`;
  const sheet = new Image();
  sheet.src = url;
  await sheet.decode().catch(() => {});
  if (own.png === png) film.style.setProperty("--sheet", `url(${url})`);
}

const element = (tag, className, text = "") =>
  Object.assign(document.createElement(tag), { className, textContent: text });

function bar({ name, share, number, strong }) {
  const row = element("div", strong ? "bar strong" : "bar");
  row.style.setProperty("--share", `${100 * share}%`);
  row.append(element("span", "name", name), element("span", "number", number));
  row.title = `${name} ${number}`;
  return row;
}

/** Lay the tiles out in full rows; put the names of cards below their pictures where one has no room beside its own. */
function fit(film, { count, width, height, columns, scale, captions }) {
  const room = film.clientWidth;
  if (room <= 0) return;
  let drawn = scale;
  if (captions.length) {
    film.classList.remove("long");
    const names = [...film.querySelectorAll(".title .name")];
    film.classList.toggle("long", names.some(name => name.scrollWidth > name.clientWidth));
  } else {
    const sides = [scale * width];
    for (let n = scale - 1; n >= Math.max(1, EVEN * scale); n--) sides.push(n * width);
    const rows = fullRows(count, room, GAP, sides);
    drawn = rows.side / width;
    film.style.setProperty("--columns", rows.columns);
  }
  const px = length => `${length * drawn}px`;
  film.style.setProperty("--size", `${px(columns * width)} ${px(Math.ceil(count / columns) * height)}`);
  film.style.setProperty("--width", px(width));
  film.style.setProperty("--height", px(height));
  [...film.querySelectorAll(".tile")].forEach(({ style }, index) => {
    style.backgroundPosition = `-${px((index % columns) * width)} -${px(Math.floor(index / columns) * height)}`;
  });
}

export default function ({ data, parentElement }) {
  const film = parentElement.querySelector(".film");
  const own = instances.get(parentElement) ?? {};
  const { count, captions } = data;
  film.classList.toggle("cards", captions.length > 0);
  film.ariaLabel = data.label;
  film.role = captions.length ? "list" : "img";
  while (film.children.length > count) film.lastChild.remove();
  while (film.children.length < count) film.append(element("div", "card"));
  [...film.children].forEach((card, index) => {
    const tile = card.querySelector(".tile") ?? element("div", "tile");
    const caption = captions[index];
    card.role = caption ? "listitem" : "presentation";
    if (!caption) return card.replaceChildren(tile);
    const title = element("div", "title");
    title.append(element("span", "name", caption.title), element("span", "sign", caption.sign));
    const head = element("div", "head");
    head.append(tile, title);
    card.replaceChildren(head, ...caption.bars.map(bar));
  });
  own.fit = () => fit(film, data);
  own.fit();
  if (!instances.has(parentElement)) {
    instances.set(parentElement, own);
    own.observer = new ResizeObserver(() => own.fit());
    own.observer.observe(parentElement.querySelector(".room"));
  }
  if (own.png !== data.png) loadSheet(own, data.png, film);
  return () => {
    own.observer.disconnect();
    instances.delete(parentElement);
  };
}
