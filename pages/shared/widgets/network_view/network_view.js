const instances = new WeakMap(); // what lives as long as the page shows the drawing: its text and what was in view

/** Put a drawing into the page: it is parsed as a picture, so that nothing in it is ever run. */
function draw(scroll, text) {
  const root = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  root.setAttribute("role", "group"); // its layers are to be reached one by one
  scroll.replaceChildren(document.importNode(root, true));
}

/** Bring the current layer into view where the drawing is wider than its room; the page itself stays. */
function reveal(scroll, layer) {
  if (!layer) return;
  const box = layer.getBoundingClientRect(), room = scroll.getBoundingClientRect();
  if (box.left < room.left || box.right > room.right) {
    scroll.scrollLeft += box.left + box.width / 2 - room.left - room.width / 2;
  }
}

/** Say at which ends the drawing goes on: it fades there. */
function markEnds(scroll) {
  const rest = scroll.scrollWidth - scroll.clientWidth - scroll.scrollLeft;
  scroll.dataset.more = `${scroll.scrollLeft > 1 ? "left" : ""} ${rest > 1 ? "right" : ""}`;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const scroll = parentElement.querySelector(".scroll"), readout = parentElement.querySelector(".readout");
  const own = instances.get(parentElement) ?? {};
  instances.set(parentElement, own);
  const focused = scroll.querySelector(".layer:focus")?.dataset.layer;
  const fresh = own.svg !== data.svg;
  if (fresh) draw(scroll, (own.svg = data.svg));
  scroll.firstElementChild.setAttribute("aria-label", data.label);
  const layers = [...scroll.querySelectorAll(".layer[data-target]")];
  const current = scroll.querySelector(".layer.current");
  const words = layer => layer?.querySelector("title").textContent ?? "";
  const say = layer => (readout.textContent = words(layer) || data.hint);
  const stop = layers.find(layer => layer.dataset.layer === focused) ?? (layers.includes(current) ? current : layers[0]);
  for (const layer of layers) {
    layer.setAttribute("role", "button");
    layer.setAttribute("aria-label", words(layer));
    layer.setAttribute("tabindex", layer === stop ? "0" : "-1");
    if (layer === current) layer.setAttribute("aria-current", "true");
  }
  if (fresh) {
    if (focused && stop?.dataset.layer === focused) stop.focus();
    reveal(scroll, current);
    requestAnimationFrame(() => reveal(scroll, current));
  }
  say(current);

  scroll.onscroll = () => markEnds(scroll);
  const resized = new ResizeObserver(() => markEnds(scroll));
  resized.observe(scroll);
  markEnds(scroll);

  const at = event => event.target.closest?.(".layer");
  const press = layer => layer && setTriggerValue("layer", layer.dataset.target);
  scroll.onclick = event => press(at(event)?.closest("[data-target]"));
  scroll.onpointerover = event => say(at(event) ?? current);
  scroll.onpointerleave = () => say(current);
  for (const layer of layers) {
    layer.onfocus = () => say(layer);
    layer.onblur = () => say(current);
  }
  scroll.onkeydown = event => {
    const place = layers.indexOf(at(event));
    if (place < 0) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return press(layers[place]);
    }
    const next = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: layers.length - 1 }[event.key];
    if (!layers[next]) return;
    event.preventDefault();
    layers[place].setAttribute("tabindex", "-1");
    layers[next].setAttribute("tabindex", "0");
    layers[next].focus();
  };
  return () => {
    resized.disconnect();
    instances.delete(parentElement);
  };
}
