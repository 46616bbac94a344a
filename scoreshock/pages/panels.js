// Shows the panels of a page (<div class="panels"> with a script of JSON), documents of Bokeh, in the page's width and colours.
const NARROW = 480; // pixels, below which legend and colour bar are under the panel
const HEIGHT = 270, SQUARE = 420; // pixels of a panel's frame
const LETTER = 7; // pixels of a letter of a label
const dark = matchMedia("(prefers-color-scheme: dark)");
const BLACK = "#1a1a1a"; // what has this colour has that of the page's text
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function wrapped(text, pixels) {
  const lines = [""];
  for (const word of text.split(/\s/)) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length > Math.max(20, pixels / LETTER)) lines.push(word); else lines[lines.length - 1] = longer;
  }
  return lines.join("\n");
}

const is = (model, kind) => model.type.endsWith(kind);

function painted(models, tints) {
  const text = colour("text"), quiet = colour("quiet"), line = colour("line");
  for (const model of models) {
    if (is(model, "Axis")) {
      Object.assign(model, {axis_label_text_color: text, major_label_text_color: text, axis_line_color: quiet});
      Object.assign(model, {major_tick_line_color: quiet, minor_tick_line_color: quiet});
    } else if (model.type === "Grid") {
      if (model.grid_line_color) model.grid_line_color = line;
    } else if (model.type === "Legend") {
      Object.assign(model, {label_text_color: text, border_line_color: line});
    } else if (is(model, "ColorMapper")) {
      if (dark.matches && tints.length) model.palette = tints;
      model.nan_color = colour("soft");
    } else if (model.type === "ColorBar") {
      Object.assign(model, {title_text_color: text, major_label_text_color: text});
    } else if (model.type === "Figure") {
      Object.assign(model, {background_fill_color: null, border_fill_color: null, outline_line_color: line});
    } else {
      for (const key of ["line_color", "fill_color", "text_color"])
        if (key in model && (model[key]?.value ?? model[key]) === BLACK) model[key] = model[key].value ? {value: text} : text;
    }
  }
}

function fitted(plot, width, square) {
  const narrow = width < NARROW, height = square ? Math.min(width - (narrow ? 100 : 190), SQUARE) : HEIGHT;
  Object.assign(plot, {width: null, height: null, frame_height: height, frame_width: square ? height : null});
  plot.sizing_mode = square ? "fixed" : "stretch_width";
  for (const axis of plot.below) if (axis.axis_label) axis.axis_label = wrapped(axis.axis_label, width - 100);
  for (const axis of plot.left) if (axis.axis_label) axis.axis_label = wrapped(axis.axis_label, height);
  if (narrow) plot.toolbar.active_drag = null;
  // The legend of a square panel would leave it no room.
  const under = plot.right.filter(model => is(model, "Legend") ? narrow || square : narrow && is(model, "ColorBar"));
  plot.right = plot.right.filter(model => !under.includes(model));
  for (const model of under) {
    if (is(model, "Legend")) model.ncols = model.items.every(item => item.label.value.length < 18) ? 2 : 1;
    else Object.assign(model, {orientation: "horizontal", width: "auto", height: 14, title: model.title?.replaceAll("\n", " ")});
  }
  plot.below = [...plot.below, ...under];
}

function shown(panel, place, named) {
  const section = document.createElement("section"), heading = document.createElement("h3"), body = document.createElement("div");
  heading.textContent = panel.title;
  section.append(heading, body);
  place.append(section);
  if (panel.square) place.style.alignItems = "start"; // as the legend is under one of them
  const drawing = Bokeh.require("document").Document.from_json(panel.document);
  const [plot] = drawing.roots();
  fitted(plot, section.clientWidth, panel.square);
  painted(drawing._all_models.values(), panel.dark);
  for (const renderer of plot.renderers)
    if (renderer.name) named.set(renderer.name, [...(named.get(renderer.name) ?? []), renderer]);
  Bokeh.embed.add_document_standalone(drawing, body);
}

function figure(place) {
  const named = new Map(); // marks of one name are hidden and shown together, in all panels of the figure
  for (const panel of JSON.parse(place.querySelector("script").textContent)) shown(panel, place, named);
  for (const together of named.values())
    for (const one of together)
      one.properties.visible.change.connect(() => { for (const other of together) other.visible = one.visible; });
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".panels").forEach(figure);
  dark.addEventListener("change", () => location.reload());
});
