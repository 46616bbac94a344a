// Draws the panels of a page (<div class="panels"> with a script of JSON) with BokehJS, in the page's colours.
const NARROW = 480; // pixels, below which the legend is under the panel
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const LEGEND = 180; // pixels of a line of the legend
const BLACK = "#000000"; // a line of this colour has that of the text
const named = new Map(); // marks of one name are hidden and shown together, in all panels

const numbers = text => new Float64Array(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);

function wrapped(text, pixels) {
  const letters = Math.max(20, Math.floor(pixels / 7));
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length > letters) lines.push(word); else lines[lines.length - 1] = longer;
  }
  return lines.join("\n");
}

const inked = color => color === BLACK ? colour("text") : color;

const stroke = mark => ({
  line_color: inked(mark.color), line_dash: mark.dash.map(length => length * mark.width), line_width: mark.width,
});

function glyph(plot, mark) {
  const {name, kind} = mark;
  const data = {x: kind === "Bars" ? mark.names : numbers(mark.x), y: numbers(mark.y)};
  const fields = [{field: "x"}, {field: "y"}], source = new Bokeh.ColumnDataSource({data});
  const fill = {source, name, fill_color: inked(mark.color), line_color: null};
  if (kind === "Points") return plot.scatter(...fields, {size: mark.size, ...fill});
  if (kind === "Bars") return plot.vbar(...fields, 0.8, mark.bottom, fill);
  const line = {source, name, ...stroke(mark)};
  return mark.step ? plot.step(...fields, "center", line) : plot.line(...fields, line);
}

function drawn(panel, place) {
  const section = document.createElement("section");
  const heading = document.createElement("h3");
  heading.textContent = panel.title;
  section.append(heading);
  place.append(section);
  const width = section.clientWidth, narrow = width < NARROW;
  const bars = panel.marks.find(mark => mark.kind === "Bars");
  const [left, right] = panel.falling ? [...panel.xlimits].reverse() : panel.xlimits;
  const range = (start, end) => new Bokeh.Range1d({start, end});
  const height = panel.square ? Math.min(width - 100, 420) : 270;
  const short = text => text.split(/[;(]/)[0].trim();
  const tips = [[short(panel.xlabel), bars ? "@x" : "@x{%.5g}"], [short(panel.ylabel), "@y{%.5g}"]];
  if (panel.marks.some(mark => mark.name)) tips.unshift(["", "$name"]);
  const hover = new Bokeh.HoverTool({tooltips: tips, formatters: {"@x": "printf", "@y": "printf"}});
  const plot = Bokeh.Plotting.figure({
    x_range: bars ? bars.names : range(left, right),
    y_range: range(...panel.ylimits),
    x_axis_type: bars ? "auto" : panel.logx ? "log" : "linear",
    y_axis_type: panel.logy ? "log" : "linear",
    x_axis_label: wrapped(panel.xlabel, width - 100),
    y_axis_label: wrapped(panel.ylabel, height),
    tools: ["pan", "wheel_zoom", "box_zoom", "reset", "save", hover],
    active_drag: narrow ? null : "box_zoom",
    ...(panel.square ? {frame_width: height} : {sizing_mode: "stretch_width"}),
    frame_height: height,
  });
  Object.assign(plot, {background_fill_color: null, border_fill_color: null, outline_line_color: colour("line")});
  for (const axis of [...plot.xaxis, ...plot.yaxis]) {
    Object.assign(axis, {axis_label_text_color: colour("text"), major_label_text_color: colour("text")});
    Object.assign(axis, {axis_line_color: colour("quiet"), major_tick_line_color: colour("quiet"), minor_tick_line_color: colour("quiet")});
  }
  for (const grid of [...plot.xgrid, ...plot.ygrid]) grid.grid_line_color = colour("line");
  plot.toolbar.logo = null;
  plot.toolbar_location = "above";
  if (bars) {
    plot.xaxis.major_label_orientation = bars.names.join("").length > 40 || narrow ? 0.6 : "horizontal";
    plot.xgrid.visible = false;
  }
  if (panel.yticks.length) plot.yaxis.ticker = new Bokeh.FixedTicker({ticks: panel.yticks});
  const items = [];
  for (const mark of panel.marks) {
    if (mark.kind === "Band") {
      const ends = mark.vertical ? {left: mark.low, right: mark.high} : {bottom: mark.low, top: mark.high};
      plot.add_layout(new Bokeh.BoxAnnotation({...ends, fill_color: mark.color, fill_alpha: 0.18, line_color: null, level: "underlay"}));
      continue;
    }
    if (mark.kind === "Level") {
      const dimension = mark.vertical ? "height" : "width";
      plot.add_layout(new Bokeh.Span({location: mark.value, dimension, ...stroke(mark)}));
      continue;
    }
    if (mark === bars) bars.bottom = Math.min(Math.max(0, panel.ylimits[0]), panel.ylimits[1]);
    const renderer = glyph(plot, mark);
    if (!mark.name) continue;
    named.set(mark.name, [...(named.get(mark.name) ?? []), renderer]);
    items.push(new Bokeh.LegendItem({label: wrapped(mark.name, LEGEND), renderers: [renderer]}));
  }
  if (panel.legend) {
    const ncols = narrow && panel.marks.every(mark => (mark.name ?? "").length < 18) ? 2 : 1;
    const legend = new Bokeh.Legend({
      items, click_policy: "hide", label_text_font_size: "12px", ncols,
      label_text_color: colour("text"), background_fill_color: null, border_line_color: colour("line"),
    });
    plot.add_layout(legend, narrow ? "below" : "right");
  }
  Bokeh.Plotting.show(plot, section);
}

document.addEventListener("DOMContentLoaded", () => {
  for (const place of document.querySelectorAll(".panels"))
    for (const panel of JSON.parse(place.querySelector("script").textContent)) drawn(panel, place);
  for (const together of named.values())
    for (const one of together)
      one.properties.visible.change.connect(() => { for (const other of together) other.visible = one.visible; });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => location.reload());
});
