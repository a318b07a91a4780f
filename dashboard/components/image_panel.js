// The image panel: PNG, SVG boxes, numbered chips, zoom, and drawing one box. Text is only ever set as textContent.
const SVG = "http://www.w3.org/2000/svg";
const ZOOMS = [1, 1.5, 2, 3, 4];

function node(tag, attributes, text) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function build(root) {
  const panel = node("div", { class: "panel" });
  const bar = node("div", { class: "bar" });
  const view = node("div", { class: "view", tabindex: "0", "aria-label": "Radiograph; scroll to move when zoomed" });
  const stage = node("div", { class: "stage" });
  const picture = node("img", { alt: "Frontal chest radiograph with the boxes of the report", draggable: "false" });
  const overlay = shape("svg", { preserveAspectRatio: "none" });
  const chips = node("div", { class: "chips" });
  stage.append(picture, overlay, chips);
  view.append(stage);
  panel.append(bar, view);
  root.append(panel);
  return { panel, bar, view, stage, picture, overlay, chips, zoom: 0, hidden: false, drawing: false };
}

function fit(state, data) {
  // At zoom 1 the whole image is seen: as wide as the column, but no higher than three quarters of the window.
  const ratio = data.columns / data.rows;
  const width = Math.min(state.view.clientWidth || 600, window.innerHeight * 0.74 * ratio);
  state.stage.style.width = `${Math.round(width * ZOOMS[state.zoom])}px`;
  state.stage.style.aspectRatio = `${data.columns} / ${data.rows}`;
  state.view.style.height = `${Math.round(width / ratio) + 2}px`;
}

function zoomTo(state, data, step) {
  const view = state.view;
  const x = (view.scrollLeft + view.clientWidth / 2) / Math.max(view.scrollWidth, 1);
  const y = (view.scrollTop + view.clientHeight / 2) / Math.max(view.scrollHeight, 1);
  state.zoom = Math.min(Math.max(step, 0), ZOOMS.length - 1);
  fit(state, data);
  view.scrollLeft = x * view.scrollWidth - view.clientWidth / 2;
  view.scrollTop = y * view.scrollHeight - view.clientHeight / 2;
}

function controls(state, data, redraw) {
  const button = (name, hint, press, pressed) => {
    const made = node("button", { type: "button", title: hint, "aria-label": hint }, name);
    if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
    made.onclick = press;
    return made;
  };
  state.bar.replaceChildren(
    button("−", "Zoom out", () => { zoomTo(state, data, state.zoom - 1); redraw(); }),
    node("span", { class: "zoom" }, `${Math.round(ZOOMS[state.zoom] * 100)} %`),
    button("+", "Zoom in", () => { zoomTo(state, data, state.zoom + 1); redraw(); }),
    button("Fit", "Show the whole image", () => { zoomTo(state, data, 0); redraw(); }),
    button("Boxes", "Show or hide the boxes", () => { state.hidden = !state.hidden; redraw(); }, !state.hidden),
    ...(data.drawable ? [button("Draw a box", "Drag on the image to draw a box for a sentence you correct or add",
      () => { state.drawing = !state.drawing; redraw(); }, state.drawing)] : []),
  );
}

function boxes(state, data, pick) {
  state.overlay.setAttribute("viewBox", "0 0 1 1");
  state.overlay.replaceChildren();
  state.chips.replaceChildren();
  if (state.hidden) return;
  for (const box of data.boxes) {
    const lit = box.sentence === data.selected;
    const kind = `${box.author === "human" ? "human" : "ai"}${lit ? " lit" : ""}`;
    const name = box.sentence < 0 ? "new" : String(box.sentence + 1);
    const rect = shape("rect", {
      class: kind, x: box.x_min, y: box.y_min, width: box.x_max - box.x_min, height: box.y_max - box.y_min,
      tabindex: "0", role: "button", "aria-label": `Box of sentence ${name}`, "aria-pressed": String(lit),
      "data-sentence": box.sentence,
    });
    const chip = node("button", { type: "button", class: `chip ${kind}`, tabindex: "-1", "aria-hidden": "true" }, name);
    chip.style.left = `${box.x_min * 100}%`;
    chip.style.top = `${box.y_min * 100}%`;
    if (box.sentence >= 0) {
      rect.onclick = chip.onclick = () => pick(box.sentence);
      rect.onkeydown = (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(box.sentence); } };
    }
    state.overlay.append(rect);
    state.chips.append(chip);
  }
}

function drawing(state, report) {
  const at = (event) => {
    const frame = state.stage.getBoundingClientRect();
    const inside = (value) => Math.min(Math.max(value, 0), 1);
    return [inside((event.clientX - frame.left) / frame.width), inside((event.clientY - frame.top) / frame.height)];
  };
  let from = null;
  let ghost = null;
  state.panel.classList.toggle("drawing", state.drawing);
  state.stage.onpointerdown = (event) => {
    if (!state.drawing || event.button !== 0) return;
    event.preventDefault();
    from = at(event);
    ghost = shape("rect", { class: "ghost", x: from[0], y: from[1], width: 0, height: 0 });
    state.overlay.append(ghost);
    state.stage.setPointerCapture(event.pointerId);
  };
  const span = (event) => {
    const [x, y] = at(event);
    return [Math.min(from[0], x), Math.min(from[1], y), Math.max(from[0], x), Math.max(from[1], y)];
  };
  state.stage.onpointermove = (event) => {
    if (!from) return;
    const [x0, y0, x1, y1] = span(event);
    for (const [name, value] of [["x", x0], ["y", y0], ["width", x1 - x0], ["height", y1 - y0]]) ghost.setAttribute(name, value);
  };
  state.stage.onpointerup = (event) => {
    if (!from) return;
    const drawn = span(event);
    from = null;
    ghost.remove();
    if (drawn[2] - drawn[0] > 0.005 && drawn[3] - drawn[1] > 0.005) { state.drawing = false; report(drawn); }
  };
}

const kept = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const state = kept.get(parentElement) || build(parentElement);
  kept.set(parentElement, state);
  const source = `data:image/png;base64,${data.png}`;
  if (state.picture.src !== source) state.picture.src = source;
  const redraw = () => {
    controls(state, data, redraw);
    boxes(state, data, pick);
    drawing(state, (box) => { redraw(); setTriggerValue("drawn", box); });
  };
  const pick = (sentence) => {
    data.selected = data.selected === sentence ? null : sentence;
    boxes(state, data, pick);
    setTriggerValue("picked", sentence);
  };
  fit(state, data);
  redraw();
  const resized = new ResizeObserver(() => fit(state, data));
  resized.observe(state.panel);
  return () => resized.disconnect();
}
