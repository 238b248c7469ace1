// SPDX-License-Identifier: MIT
// Figures whose still drawing is what is shown: heat maps, intervals, pictures. And the start of it all.
'use strict';
fanin.heat_map = (figure, data) => {
  const {say, state, make, number} = fanin;
  const drawing = figure.querySelector('svg');
  const readout = make('output', {class: 'readout', 'aria-live': 'polite'},
                       say('Point at a cell, or use the arrow keys, to read it.', '指向一个格子，或用方向键读数。'));
  const cells = new Map();
  for (const cell of drawing.querySelectorAll('.cell')) cells.set(cell.dataset.row + ',' + cell.dataset.column, cell);
  let at = null;
  function choose(row, column) {
    const cell = cells.get(row + ',' + column);
    if (!cell) return;
    if (at) at.cell.removeAttribute('data-chosen');
    at = {row, column, cell};
    cell.setAttribute('data-chosen', '');
    readout.value = data.y_label + ' ' + data.rows[row] + ', ' + data.x_label + ' ' + data.columns[column] + ': ' +
        data.value_label + ' ' + number(data.values[row][column]);
  }
  drawing.addEventListener('pointerover', (event) => {
    const cell = event.target.closest('.cell');
    if (cell) choose(Number(cell.dataset.row), Number(cell.dataset.column));
  });
  drawing.setAttribute('tabindex', '0');
  drawing.addEventListener('keydown', (event) => {
    const by = {ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1]}[event.key];
    if (!by) return;
    if (at) choose(at.row + by[0], at.column + by[1]);
    else choose(0, 0);
    event.preventDefault();
  });
  const rows = () => [[data.y_label || 'row', data.x_label || 'column', data.value_label || 'value'],
                      ...data.values.flatMap((row, r) => row.map((v, c) => [data.rows[r], data.columns[c], v]))];
  figure.append(readout);
  if (data.overlay.length > 0) figure.append(fanin.legend(data.overlay));
  figure.append(fanin.downloads(figure, data.title, () => drawing, rows));
  fanin.followState(drawing);
};

fanin.intervals = (figure, data) => {
  const drawing = figure.querySelector('svg');
  const rows = () => [['name', 'centre', 'low', 'high'],
                      ...data.rows.map((r) => [r.name, r.centre, r.low, r.high])];
  figure.append(fanin.downloads(figure, data.title, () => drawing, rows));
  fanin.followState(drawing);
};

// Grey or coloured pictures of numbers: a byte b of a channel stands for low + (high - low) * b / 255.
fanin.pictures = (figure, data) => {
  const {make, drawn} = fanin;
  const images = [...figure.querySelectorAll('img')];
  function drawing() {
    const side = 110, gap = 10, columns = 6, height = Math.ceil(images.length / columns) * (side + 26) + 34;
    const svg = drawn('svg', {viewBox: '0 0 ' + (columns * (side + gap) + gap) + ' ' + height,
                              'font-family': 'system-ui, sans-serif', 'font-size': 11, fill: 'currentColor'});
    const words = (x, y, text) => {
      const element = drawn('text', {x, y});
      element.textContent = text;
      svg.append(element);
    };
    words(gap, 18, data.title);
    images.forEach((image, i) => {
      const x = gap + (i % columns) * (side + gap), y = 34 + Math.floor(i / columns) * (side + 26);
      svg.append(drawn('image', {x, y, width: side, height: side, href: image.currentSrc,
                                 style: 'image-rendering: pixelated'}));
      words(x, y + side + 14, data.tiles[i].label);
    });
    return svg;
  }
  const rows = () => [['picture', 'row', 'column', 'channel', 'value (of 256 levels)'], ...images.flatMap((image, i) => {
    const {naturalWidth: width, naturalHeight: height} = image, {label, low, high, channels} = data.tiles[i];
    const context = Object.assign(make('canvas'), {width, height}).getContext('2d');
    context.drawImage(image, 0, 0);
    const bytes = context.getImageData(0, 0, width, height).data, lines = [];
    for (let y = 0; y < height; ++y)
      for (let x = 0; x < width; ++x)
        for (let c = 0; c < channels; ++c)
          lines.push([label, y, x, c, low + (high - low) * bytes[4 * (y * width + x) + c] / 255]);
    return lines;
  })];
  figure.append(fanin.downloads(figure, data.title, drawing, rows));
  if (data.group) {
    const show = () => (figure.hidden = fanin.off(data.group));
    fanin.watch(show);
    show();
  }
};

document.documentElement.classList.add('scripted');
for (const figure of document.querySelectorAll('figure[data-kind]'))
  fanin[figure.dataset.kind](figure, JSON.parse(figure.querySelector('script').textContent));
