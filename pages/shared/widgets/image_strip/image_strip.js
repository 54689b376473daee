const LONG = 5; // letters of a word that has no room beside its picture where eight stand in a row
const instances = new WeakMap(); // what lives as long as the page shows the film: the sheet that is on the screen

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

export default function ({ data, parentElement }) {
  const film = parentElement.querySelector(".film");
  const own = instances.get(parentElement) ?? {};
  instances.set(parentElement, own);
  const { count, width, height, columns, scale, captions } = data;
  const px = length => `${length * scale}px`;
  film.style.setProperty("--size", `${px(columns * width)} ${px(Math.ceil(count / columns) * height)}`);
  film.style.setProperty("--width", px(width));
  film.style.setProperty("--height", px(height));
  film.classList.toggle("cards", captions.length > 0);
  film.classList.toggle("long", captions.some(({ title }) => title.split(/\s+/).some(word => word.length > LONG)));
  film.ariaLabel = data.label;
  film.role = captions.length ? "list" : "img";
  while (film.children.length > count) film.lastChild.remove();
  while (film.children.length < count) film.append(element("div", "card"));
  [...film.children].forEach((card, index) => {
    const tile = card.querySelector(".tile") ?? element("div", "tile");
    tile.style.backgroundPosition = `-${px((index % columns) * width)} -${px(Math.floor(index / columns) * height)}`;
    const caption = captions[index];
    card.role = caption ? "listitem" : "presentation";
    if (!caption) return card.replaceChildren(tile);
    const title = element("div", "title");
    title.append(element("span", "name", caption.title), element("span", "sign", caption.sign));
    const head = element("div", "head");
    head.append(tile, title);
    card.replaceChildren(head, ...caption.bars.map(bar));
  });
  if (own.png !== data.png) loadSheet(own, data.png, film);
  return () => instances.delete(parentElement);
}
