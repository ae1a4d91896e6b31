// A terminal's escape sequences: what they hide is taken out, and SGR (colour, weight, …) becomes style for the eye.
//
// A program's exact colour may be unreadable on our paper: text in 256 or RGB colours is darkened on light and lit
// up on dark until it stands out (4.5:1); a background keeps its colour, and its text becomes black or white.

const UNSAFE = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;
// CSI; OSC, DCS and their like up to their end; any other escape; then what may not be shown as it is.
// An OSC without an end loses its introducer only: nothing that follows may be hidden by it.
const SEQUENCES =
  /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~])|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]|[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const INKS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const PALETTE = [
  [0, 0, 0], [194, 54, 33], [37, 143, 36], [173, 140, 39], [40, 80, 200], [176, 56, 178], [32, 140, 150], [203, 204, 205],
  [118, 118, 118], [240, 82, 79], [49, 180, 60], [234, 200, 60], [88, 130, 255], [214, 90, 214], [60, 190, 200], [245, 245, 245],
];
const STEPS = [0, 95, 135, 175, 215, 255];
// How light an ink may be on the darkest row of a light theme, and must be on the lightest row of a dark one.
const DARK_ENOUGH = 0.15, LIGHT_ENOUGH = 0.29;
const PLAIN = Object.freeze({ classes: "", css: "" });

// Pieces {text, look: {classes, css}} of a raw line.
function piecesOf(raw) {
  if (!UNSAFE.test(raw)) return [{ text: raw, look: PLAIN }];
  const pieces = [];
  let at = 0, held = "", sgr = {}, look = PLAIN;
  const flush = () => {
    if (held) pieces.push({ text: held, look });
    held = "";
  };
  for (const found of raw.matchAll(SEQUENCES)) {
    held += raw.slice(at, found.index);
    at = found.index + found[0].length;
    if (found[2] === "m") {
      flush();
      sgr = afterSgr(found[1], sgr);
      look = lookOf(sgr);
    } else if (found[0].length === 1) {
      const code = found[0].charCodeAt(0);
      if (code < 0x20) held += code === 0x1b ? "␛" : String.fromCharCode(0x2400 + code);
      else if (code === 0x7f) held += "␡";
    }
  }
  held += raw.slice(at);
  flush();
  return pieces.length ? pieces : [{ text: "", look: PLAIN }];
}

function cleanText(raw) {
  return UNSAFE.test(raw) ? piecesOf(raw).map((piece) => piece.text).join("") : raw;
}

// What SGR codes make of the look so far. An ink or a paper is a basic colour's number (0 to 15) or [r, g, b].
function afterSgr(params, before) {
  const sgr = { ...before }, codes = codesOf(params);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (code === 0) for (const name of Object.keys(sgr)) delete sgr[name];
    else if (code === 1) sgr.bold = true;
    else if (code === 2) sgr.dim = true;
    else if (code === 3) sgr.italic = true;
    else if (code === 4 || code === 21) sgr.underline = true;
    else if (code === 7) sgr.inverse = true;
    else if (code === 9) sgr.struck = true;
    else if (code === 22) sgr.bold = sgr.dim = false;
    else if (code === 23) sgr.italic = false;
    else if (code === 24) sgr.underline = false;
    else if (code === 27) sgr.inverse = false;
    else if (code === 29) sgr.struck = false;
    else if (code === 39) sgr.ink = undefined;
    else if (code === 49) sgr.paper = undefined;
    else if (code >= 30 && code <= 37) sgr.ink = code - 30;
    else if (code >= 40 && code <= 47) sgr.paper = code - 40;
    else if (code >= 90 && code <= 97) sgr.ink = code - 82;
    else if (code >= 100 && code <= 107) sgr.paper = code - 92;
    else if (code === 38 || code === 48) {
      const place = code === 38 ? "ink" : "paper";
      if (codes[i + 1] === 5) { sgr[place] = indexed(codes[i + 2]); i += 2; }
      else if (codes[i + 1] === 2) { sgr[place] = [0, 1, 2].map((part) => byte(codes[i + 2 + part])); i += 4; }
    }
  }
  return sgr;
}

// 38:2::r:g:b and 38:2:r:g:b are colours as well as 38;2;r;g;b; 4:0 to 4:5 are underlines of some shape.
function codesOf(params) {
  return params.split(";").flatMap((part) => {
    const parts = part.split(":");
    if (parts.length > 1 && parts[0] === "4") return [parts[1] === "0" ? 24 : 4];
    if (parts[1] === "2" && parts.length > 5) return [...parts.slice(0, 2), ...parts.slice(-3)].map(Number);
    return parts.map(Number);
  });
}

const byte = (value) => Math.min(255, Math.max(0, Math.trunc(value) || 0));

function indexed(code) {
  const n = byte(code);
  if (n < 16) return n;
  if (n >= 232) return Array(3).fill(8 + (n - 232) * 10);
  return [Math.floor((n - 16) / 36), Math.floor((n - 16) / 6) % 6, (n - 16) % 6].map((step) => STEPS[step]);
}

// Classes for what a theme knows how to show, and CSS (numbers only: nothing of it is text of the log) for the rest.
function lookOf(sgr) {
  const classes = ["bold", "italic", "underline", "struck"].filter((name) => sgr[name]).map((name) => `ansi-${name}`);
  const { ink } = sgr, under = rgbOf(sgr.inverse ? ink : sgr.paper);
  let css = "";
  if (under) {
    const over = rgbOf(sgr.inverse ? sgr.paper : ink);
    const seen = over && contrast(over, under) >= 4.5 ? over : blackOrWhite(under);
    css = `background:rgb(${under});color:rgb(${seen})`;
  } else if (sgr.inverse) classes.push("ansi-inverse");
  else if (typeof ink === "number") classes.push(`ansi-${INKS[ink % 8]}`);
  else if (ink) css = `color:light-dark(rgb(${towards(ink, 0)}),rgb(${towards(ink, 255)}))`;
  else if (sgr.dim) classes.push("ansi-dim");
  return classes.length || css ? { classes: classes.join(" "), css } : PLAIN;
}

const rgbOf = (colour) => (typeof colour === "number" ? PALETTE[colour] : colour);

function luminance(rgb) {
  const [r, g, b] = rgb.map((value) => value / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const blackOrWhite = (under) => (luminance(under) > 0.18 ? [0, 0, 0] : [255, 255, 255]);

// The nearest mix of an ink with black (0) or white (255) that can be read.
function towards(ink, end) {
  const enough = (rgb) => (end ? luminance(rgb) >= LIGHT_ENOUGH : luminance(rgb) <= DARK_ENOUGH);
  let rgb = ink;
  for (let part = 1; !enough(rgb) && part <= 10; part++) {
    rgb = ink.map((value) => Math.round(value + ((end - value) * part) / 10));
  }
  return rgb;
}
