// SPDX-License-Identifier: MIT
// What all figures of a page share: which groups are off, which band is shown, words, controls, downloads.
// Text goes into the page as text only.
'use strict';
const fanin = (() => {
  const chinese = document.documentElement.lang.startsWith('zh');
  const say = (en, zh) => (chinese ? zh : en);

  // One state for the page: a click in one figure is a click in all.
  const state = {hidden: new Set(), band: 'quartiles', frames: new Map()};
  const listeners = [];
  const watch = (listener) => listeners.push(listener);
  const change = () => listeners.forEach((listener) => listener());
  // A group that is called "A @ B" is a part of the group "A".
  const off = (group) => [...state.hidden].some((hidden) => group === hidden || group.startsWith(hidden + ' @ '));
  function toggle(group) {
    if (!state.hidden.delete(group)) state.hidden.add(group);
    change();
  }

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }
  function button(text, action, attributes = {}) {
    const element = make('button', {type: 'button', ...attributes}, text);
    element.addEventListener('click', action);
    return element;
  }
  function checkbox(text, checked, action) {
    const box = make('input', {type: 'checkbox'});
    box.checked = checked;
    box.addEventListener('change', () => action(box.checked));
    return make('label', {}, box, ' ' + text);
  }

  // Numbers as a person writes them.
  function number(v) {
    if (v === null || v === undefined || !Number.isFinite(v)) return '–';
    const size = Math.abs(v);
    if (size !== 0 && (size < 1e-3 || size >= 1e6)) return v.toExponential(3).replace(/\.?0+e/, 'e').replace('e+', 'e');
    return String(Number(v.toPrecision(5)));
  }

  const svgSpace = 'http://www.w3.org/2000/svg';
  function drawn(tag, attributes) {
    const element = document.createElementNS(svgSpace, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }
  const shapes = {
    circle: 'm-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z', triangle: 'm0 -4l4 7h-8z',
    rect: 'm-3.2 -3.2h6.4v6.4h-6.4z', rectRot: 'm0 -4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z',
    rectRounded: 'm-2 -3.5h4l1.5 1.5v4l-1.5 1.5h-4l-1.5 -1.5v-4z', crossRot: 'm-3.5 -3.5l7 7m-7 0l7 -7',
    cross: 'm-4 0h8m-4 -4v8', star: 'm-3.5 -3.5l7 7m-7 0l7 -7m-7.5 3.5h8m-4 -4v8',
  };
  function swatch(style, withPoint) {
    const svg = drawn('svg', {width: 34, height: 12, viewBox: '0 0 34 12', 'aria-hidden': 'true'});
    svg.append(drawn('path', {d: 'M1 6h32', stroke: style.colour, 'stroke-width': 2.5, fill: 'none',
                              'stroke-dasharray': style.dash.join(' ')}));
    if (withPoint)
      svg.append(drawn('path', {d: 'M17 6' + shapes[style.shape], fill: style.colour, stroke: style.colour,
                                'stroke-width': 1.5}));
    return svg;
  }

  // A button a group: on or off everywhere. `entries` are {group, name, style}.
  function legend(entries, withPoints = true) {
    const row = make('div', {class: 'legend', role: 'group', 'aria-label': say('Series', '曲线')});
    const seen = new Map();
    for (const entry of entries) {
      const known = seen.get(entry.group);
      if (known) known.name = entry.group;  // several lines: the group's name is theirs together
      else seen.set(entry.group, {...entry});
    }
    for (const entry of seen.values()) {
      const element = button('', () => toggle(entry.group), {'data-group': entry.group});
      element.append(swatch(entry.style, withPoints), ' ' + entry.name);
      const show = () => element.setAttribute('aria-pressed', String(!off(entry.group)));
      watch(show);
      show();
      row.append(element);
    }
    return row;
  }

  function save(name, type, text) {
    const link = make('a', {download: name, href: URL.createObjectURL(new Blob([text], {type}))});
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  // A spreadsheet must not take a name for a formula.
  function cell(value) {
    if (value === null || value === undefined) return '';
    if (typeof value === 'number') return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }
  const csv = (rows) => rows.map((row) => row.map(cell).join(',') + '\n').join('');

  // The still drawing, in black on white, as a file of its own.
  function svgFile(svg) {
    const copy = svg.cloneNode(true);
    const [, , width, height] = copy.getAttribute('viewBox').split(' ');
    for (const [key, value] of Object.entries({xmlns: svgSpace, width, height, color: '#1a1a1a'}))
      copy.setAttribute(key, value);
    copy.removeAttribute('class');
    copy.querySelectorAll('[display="none"]').forEach((part) => part.remove());
    copy.prepend(drawn('rect', {width, height, fill: '#fff'}));
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + new XMLSerializer().serializeToString(copy) + '\n';
  }

  // Buttons below a figure. `drawing` and `rows` are called when they are needed.
  function downloads(figure, title, drawing, rows) {
    const words = (title.normalize('NFKD').toLowerCase().match(/[a-z0-9]+/g) || []).join('-').slice(0, 60);
    const name = words ? figure.id + '-' + words : figure.id;
    return make('div', {class: 'downloads'},
        button(say('Download SVG', '下载 SVG'), () => save(name + '.svg', 'image/svg+xml', svgFile(drawing())),
               {'data-download': 'svg'}),
        button(say('Data as CSV', '数据 CSV'), () => save(name + '.csv', 'text/csv', csv(rows())),
               {'data-download': 'csv'}));
  }

  // Groups that are off, and the band that is chosen, in a still drawing.
  function followState(svg) {
    const hide = (part, off) => (off ? part.setAttribute('display', 'none') : part.removeAttribute('display'));
    const show = () => {
      svg.querySelectorAll('[data-group]').forEach((part) => hide(part, off(part.dataset.group)));
      svg.querySelectorAll('[data-band]').forEach((part) => {
        const only = part.dataset.band === 'only';
        hide(part, state.band === 'none' || (!only && part.dataset.band !== state.band));
      });
    };
    watch(show);
    show();
  }

  const theme = () => {
    const style = getComputedStyle(document.documentElement);
    return {ink: style.getPropertyValue('--ink').trim(), faint: style.getPropertyValue('--faint').trim()};
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', change);

  return {say, state, off, watch, change, toggle, make, button, checkbox, number, drawn, legend, downloads, followState, theme};
})();
