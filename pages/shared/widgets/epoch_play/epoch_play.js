const BEAT = 900; // milliseconds for which each epoch is shown
const LOOK = 150; // how often it is looked whether the page is ready
const PATIENCE = 20000; // an epoch whose work takes longer is left unfinished
const BUSY = '[class*="st-key-job_"] [data-testid="stProgress"]';
const instances = new WeakMap(); // what lives as long as the page shows the button: the timer and what it waits for

export default function ({ data, parentElement, setTriggerValue }) {
  const button = parentElement.querySelector(".play");
  const own = instances.get(parentElement) ?? { gate: openGate(parentElement) };
  instances.set(parentElement, own);
  button.classList.toggle("on", data.playing);
  button.ariaLabel = button.title = data.playing ? "Pause" : "Play the epochs";
  button.onclick = () => {
    clearInterval(own.timer);
    own.timer = null;
    setTriggerValue("press", true);
  };
  if (!data.playing || own.at !== data.at) {
    clearInterval(own.timer);
    own.timer = null;
  }
  own.at = data.at;
  if (data.playing && !own.timer) {
    const begun = performance.now();
    let ready = null;
    own.timer = setInterval(() => {
      const now = performance.now();
      const works = document.querySelector(BUSY) && now - begun < PATIENCE;
      const busy = document.hidden || !own.gate.free() || works;
      ready = busy ? null : ready ?? now;
      if (ready === null || now - ready < BEAT) return;
      clearInterval(own.timer);
      own.timer = null;
      atOnce(() => setTriggerValue("step", true));
    }, LOOK);
  }
  return () => {
    clearInterval(own.timer);
    own.gate.close();
    instances.delete(parentElement);
  };
}
