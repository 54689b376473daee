const SIDE = 1024; // pixels of the longer side of what is pasted
const SHOT_SIDE = 640; // pixels of the longer side of a shot
const PACE = 200; // milliseconds from one shot of a burst to the next
const MOST = 12; // pictures that are sent at once
const WAITING = 120; // that may wait to be sent
const HOLD = "Hold to take pictures";
const FAILURES = {
  insecure: "The browser lends its camera to secure pages only: use a phone by its code instead, or add files.",
  NotAllowedError: "The camera may not be used: allow it for this page, beside the address, and try again.",
  NotFoundError: "No camera was found: use a phone by its code instead, or add files.",
  NotReadableError: "The camera is used by another program: close that one and try again.",
};
const instances = new WeakMap(); // what lives as long as the page shows the tray

/** Return a picture as a JPEG of at most `most` pixels on its longer side, on white where it was transparent. */
function jpeg(picture, width, height, most) {
  const scale = Math.min(1, most / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const view = canvas.getContext("2d");
  view.fillStyle = "#fff";
  view.fillRect(0, 0, canvas.width, canvas.height);
  view.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.92);
}

function begin(parentElement, send, choose) {
  const find = name => parentElement.querySelector(name);
  const [tray, tiles, camera, video, control, told] =
    [".tray", ".tiles", ".camera", "video", ".control", ".told"].map(find);
  const gate = openGate(tray);
  const own = { chosen: new Set(), waiting: [], taken: 0 };

  const flush = () => {
    if (!own.waiting.length || !gate.free()) return;
    const pictures = own.waiting.splice(0, MOST);
    atOnce(() => send("pictures", { mark: crypto.getRandomValues(new Uint32Array(2)).join("-"), pictures }));
  };
  own.timer = setInterval(flush, 50);
  const add = (kind, picture) => {
    if (own.waiting.length < WAITING) own.waiting.push({ kind, picture });
  };

  const shoot = () => {
    if (video.readyState < 2) return;
    add("shot", jpeg(video, video.videoWidth, video.videoHeight, SHOT_SIDE));
    control.textContent = `${++own.taken} taken`;
  };
  const press = event => {
    if (event.repeat || (event.type === "keydown" && ![" ", "Enter"].includes(event.key))) return;
    event.preventDefault();
    if (event.pointerId !== undefined) control.setPointerCapture(event.pointerId);
    clearInterval(own.burst);
    own.taken = 0;
    shoot();
    own.burst = setInterval(shoot, PACE);
  };
  const release = () => {
    clearInterval(own.burst);
    control.textContent = HOLD;
  };
  control.onpointerdown = control.onkeydown = press;
  control.onpointerup = control.onpointercancel = control.onkeyup = control.onblur = release;

  const close = () => {
    release();
    own.opening = null;
    for (const track of own.stream?.getTracks() ?? []) track.stop();
    own.stream = video.srcObject = null;
  };
  own.film = async wanted => {
    camera.hidden = !wanted;
    if (!wanted) return close();
    if (own.stream || own.opening) return;
    const opening = (own.opening = {});
    control.disabled = true;
    try {
      if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) throw { name: "insecure" };
      const facing = { facingMode: "environment", width: { ideal: 1280 } };
      const stream = await navigator.mediaDevices.getUserMedia({ video: facing, audio: false });
      if (own.opening !== opening) return stream.getTracks().forEach(track => track.stop()); // closed meanwhile
      own.stream = video.srcObject = stream;
      await video.play();
      control.disabled = false;
      told.textContent = "";
    } catch (error) {
      if (own.opening === opening) {
        told.textContent = FAILURES[error.name] ?? `The camera could not be opened (${error.name}).`;
        close();
        own.opening = opening; // not again until it is asked for anew
      }
    }
  };

  /** Take pictures from the clipboard if the pointer or the keyboard is in the box that the tray is part of. */
  const paste = async event => {
    const box = parentElement.getRootNode().host?.closest(own.box) ?? parentElement.closest(own.box);
    const files = [...(event.clipboardData?.files ?? [])].filter(file => file.type.startsWith("image/"));
    if (!files.length || !box || !(box.matches(":hover") || box.matches(":focus-within"))) return;
    event.preventDefault();
    for (const file of files) {
      try {
        const picture = await createImageBitmap(file);
        add("pasted", jpeg(picture, picture.width, picture.height, SIDE));
      } catch {
        told.textContent = "The browser cannot open what was pasted as a picture.";
      }
    }
  };
  document.addEventListener("paste", paste);

  own.show = pictures => {
    const present = new Set(pictures.map(picture => picture.id));
    const before = own.chosen.size;
    own.chosen = new Set([...own.chosen].filter(id => present.has(id)));
    if (own.chosen.size !== before) choose("chosen", [...own.chosen]);
    const old = new Map([...tiles.children].map(tile => [tile.dataset.id, tile]));
    tiles.replaceChildren(
      ...pictures.map(({ id, name, file }) => {
        const tile = old.get(id) ?? document.createElement("button");
        if (!tile.dataset.id) {
          const image = new Image();
          image.alt = name;
          tile.type = "button";
          tile.className = "tile";
          tile.dataset.id = id;
          tile.append(image);
          tile.onclick = () => {
            if (!own.chosen.delete(id)) own.chosen.add(id);
            tile.ariaPressed = String(own.chosen.has(id));
            choose("chosen", [...own.chosen]);
          };
        }
        tile.title = name;
        const source = file && `data:image/jpeg;base64,${file}`;
        if (source && tile.firstChild.getAttribute("src") !== source) tile.firstChild.src = source;
        tile.ariaPressed = String(own.chosen.has(id));
        return tile;
      }),
    );
  };
  own.end = () => {
    close();
    clearInterval(own.timer);
    gate.close();
    document.removeEventListener("paste", paste);
  };
  control.textContent = HOLD;
  return own;
}

export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  const own = instances.get(parentElement) ?? begin(parentElement, setTriggerValue, setStateValue);
  instances.set(parentElement, own);
  parentElement.querySelector(".tiles").ariaLabel = data.label;
  own.box = data.box;
  own.show(data.pictures);
  own.film(data.camera);
  return () => {
    own.end();
    instances.delete(parentElement);
  };
}
