const BEAT = 900; // milliseconds for which each epoch is shown
const PATIENCE = 20000; // an epoch whose work takes longer is left unfinished
const BUSY = '[class*="st-key-job_"] [data-testid="stProgress"]';
const instances = new WeakMap(); // what lives as long as the page shows the button: the player and what it waits for

export default function ({ data, parentElement, setTriggerValue }) {
  const button = parentElement.querySelector(".play");
  const own = instances.get(parentElement) ?? {
    gate: openGate(parentElement),
    player: openPlayer(button, "Play the epochs"),
  };
  instances.set(parentElement, own);
  const { gate, player } = own;
  player.show(data.playing);
  button.onclick = () => {
    player.stop();
    setTriggerValue("press", true);
  };
  if (!data.playing || own.at !== data.at) player.stop();
  own.at = data.at;
  if (data.playing && !player.playing()) {
    const begun = performance.now();
    const step = () => {
      player.stop();
      atOnce(() => setTriggerValue("step", true));
    };
    const works = () => document.querySelector(BUSY) && performance.now() - begun < PATIENCE;
    player.start(BEAT, step, () => !gate.free() || works());
  }
  return () => {
    player.stop();
    gate.close();
    instances.delete(parentElement);
  };
}
