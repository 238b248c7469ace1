// SPDX-License-Identifier: MIT
// Lines with bands: values under the pointer, log axes, zoom by dragging, the band of seeds.
'use strict';
fanin.plot = (figure, data) => {
  const {say, state, make, button, checkbox, number} = fanin;
  const drawing = figure.querySelector('svg');
  const canvas = make('canvas', {tabindex: '0', role: 'img', 'aria-label': data.title + ': ' + data.y_label + '. ' +
      say('Arrow keys step through values, + and - zoom, 0 shows all.', '方向键逐点读数，+ 和 - 缩放，0 显示全部。')});
  const marked = make('div', {class: 'zoom-mark', hidden: ''});
  const box = make('div', {class: 'chart'}, canvas, marked);
  const spoken = make('output', {class: 'spoken', 'aria-live': 'polite'});
  const log = {x: data.log_x, y: data.log_y};
  const hasRange = data.series.some((s) => s.least.length > 0);
  const hasBand = hasRange || data.series.some((s) => s.low.length > 0);

  const shown = (axis, v) => (v === null || v === undefined || (log[axis] && v <= 0) ? NaN : v);
  const points = (s, values) => s.x.map((x, i) => ({x: shown('x', x), y: shown('y', values[i])}));
  function bandOf(s) {
    if (state.band === 'none' || s.low.length === 0) return null;
    return state.band === 'range' && s.least.length > 0 ? [s.least, s.most] : [s.low, s.high];
  }
  // Three data sets a series: two edges of its band, and the line.
  function datasets() {
    return data.series.flatMap((s, index) => {
      const hidden = fanin.off(s.group), band = bandOf(s), colour = s.style.colour;
      const edge = {borderWidth: 0, pointRadius: 0, pointHitRadius: 0, hidden: hidden || !band, edge: true};
      const every = Math.max(1, Math.ceil(s.x.length / 24));
      return [
        {...edge, data: band ? points(s, band[0]) : [], fill: false},
        {...edge, data: band ? points(s, band[1]) : [], fill: '-1', backgroundColor: colour + '30'},
        {data: points(s, s.y), label: s.name, hidden, series: index, fill: false, borderColor: colour, borderWidth: 2,
         borderDash: s.reference ? [2, 4] : s.style.dash, pointStyle: s.style.shape, pointBorderColor: colour,
         pointBackgroundColor: s.reference ? 'transparent' : colour,
         pointRadius: s.x.map((_, i) => ((i + index) % every === 0 ? 4 : 0)), pointHoverRadius: 6},
      ];
    });
  }
  const nameOf = (x) => (data.x_names && data.x_names[x] !== undefined ? data.x_names[x] : number(x));
  function valueText(item) {
    const s = data.series[item.dataset.series], i = item.dataIndex, band = bandOf(s);
    return s.name + ': ' + number(s.y[i]) + (band ? ' [' + number(band[0][i]) + ', ' + number(band[1][i]) + ']' : '');
  }
  function tick(axis) {
    return (v) => {
      if (axis === 'x' && data.x_names) return Number.isInteger(v) ? short(data.x_names[v] || '') : '';
      if (log[axis]) {
        const scale = chart.scales[axis], decades = Math.log10(scale.max / scale.min);
        if (decades < 0.5) return number(Number(v.toPrecision(3)));
        const digit = v / 10 ** Math.floor(Math.log10(v) + 1e-9), whole = Math.abs(digit - Math.round(digit)) < 1e-6;
        if (!whole || (decades > 2 && Math.round(digit) !== 1)) return '';
        if (decades > 1 && ![1, 2, 5].includes(Math.round(digit))) return '';
      }
      return number(v);
    };
  }
  const whole = data.series.every((s) => s.x.every(Number.isInteger));
  function axis(name, label) {
    const {ink, faint} = fanin.theme();
    return {type: log[name] ? 'logarithmic' : 'linear', title: {display: label !== '', text: label, color: ink},
            ticks: {color: ink, callback: tick(name), maxRotation: 60, autoSkip: true, autoSkipPadding: 8,
                    ...(name === 'x' && whole ? {precision: 0} : {}),
                    ...(name === 'x' && data.x_names ? {stepSize: 1, maxTicksLimit: narrow() ? 8 : 16} : {})},
            grid: {color: faint, borderColor: ink}, ...(log[name] ? logRange(name) : {})};
  }
  // A log axis of Chart.js reaches to whole decades; what is seen would shrink to a strip.
  function logRange(name) {
    const seen = chart.data.datasets.filter((d) => !d.hidden).flatMap((d) => d.data.map((p) => p[name]))
        .filter(Number.isFinite);
    if (seen.length === 0) return {};
    const low = seen.reduce((a, b) => Math.min(a, b)), high = seen.reduce((a, b) => Math.max(a, b));
    const pad = name === 'x' ? 1 : Math.max(1.05, (high / low) ** 0.04);
    return low === high && pad === 1 ? {} : {bounds: 'data', min: low / pad, max: high * pad};
  }
  const narrow = () => box.clientWidth > 0 && box.clientWidth < 480;
  const short = (name) => {
    const most = narrow() ? 10 : 24;
    return name.length > most ? '…' + name.slice(1 - most) : name;
  };
  // The y label stands above the chart.
  const scales = () => ({x: axis('x', data.x_label), y: axis('y', '')});
  // In its place before it is made: a chart takes its size from there.
  figure.querySelector('.drawing').hidden = true;
  figure.append(make('figcaption', {}, data.title, make('small', {}, data.y_label)), box, spoken);
  const chart = new Chart(canvas, {
    type: 'line',
    data: {datasets: datasets()},
    options: {
      animation: false, parsing: false, responsive: true, maintainAspectRatio: false,
      interaction: {mode: 'nearest', axis: 'x', intersect: false}, scales: {x: {type: 'linear'}, y: {type: 'linear'}},
      plugins: {
        legend: {display: false}, filler: {propagate: false},
        tooltip: {usePointStyle: true, filter: (item) => !item.dataset.edge,
                  callbacks: {title: (items) => (items.length ? data.x_label + ': ' + nameOf(items[0].parsed.x) : ''),
                              label: valueText}},
      },
    },
  });
  let zoomed = null;  // {x: [low, high], y: [low, high]}, either may be missing
  function refresh() {
    chart.data.datasets = datasets();
    chart.options.scales = scales();
    for (const name of ['x', 'y'])
      if (zoomed && zoomed[name]) [chart.options.scales[name].min, chart.options.scales[name].max] = zoomed[name];
    chart.update('none');
    reset.disabled = !zoomed;
  }
  const zoom = (to) => {
    zoomed = to;
    refresh();
  };
  // Nearer by a factor, about the middle of what is seen.
  function nearer(factor) {
    const part = (name) => {
      const {min, max} = chart.scales[name], f = log[name] ? Math.log : (v) => v, g = log[name] ? Math.exp : (v) => v;
      const middle = (f(min) + f(max)) / 2, half = (f(max) - f(min)) / 2 / factor;
      return [g(middle - half), g(middle + half)];
    };
    zoom({x: part('x'), y: part('y')});
  }
  const reset = button(say('Show all', '显示全部'), () => zoom(null), {'data-zoom': 'reset'});

  let from = null;
  const place = (event) => {
    const frame = canvas.getBoundingClientRect();
    return {x: event.clientX - frame.left, y: event.clientY - frame.top};
  };
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button === 0) from = {...place(event), touch: event.pointerType === 'touch'};
  });
  function drag(event) {
    if (!from) return null;
    const area = chart.chartArea, to = place(event), clip = (v, low, high) => Math.min(high, Math.max(low, v));
    const x = [from.x, to.x].map((v) => clip(v, area.left, area.right)).sort((a, b) => a - b);
    const tall = !from.touch && Math.abs(to.y - from.y) > 12;
    const y = (tall ? [from.y, to.y] : [area.top, area.bottom]).map((v) => clip(v, area.top, area.bottom))
        .sort((a, b) => a - b);
    return x[1] - x[0] < 8 ? null : {x, y, tall};
  }
  canvas.addEventListener('pointermove', (event) => {
    const at = drag(event);
    marked.hidden = !at;
    if (at) Object.assign(marked.style, {left: at.x[0] + 'px', width: at.x[1] - at.x[0] + 'px', top: at.y[0] + 'px',
                                         height: at.y[1] - at.y[0] + 'px'});
  });
  addEventListener('pointerup', (event) => {
    const at = drag(event);
    from = null;
    marked.hidden = true;
    if (!at) return;
    const value = (name, pixel) => chart.scales[name].getValueForPixel(pixel);
    zoom({x: at.x.map((v) => value('x', v)), y: at.tall ? [value('y', at.y[1]), value('y', at.y[0])] : undefined});
  });
  addEventListener('pointercancel', () => {
    from = null;
    marked.hidden = true;
  });
  canvas.addEventListener('dblclick', () => zoom(null));

  let at = -1;
  function step(by) {
    const lines = chart.data.datasets.map((d, i) => [d, i]).filter(([d]) => !d.edge && !d.hidden);
    const xs = [...new Set(lines.flatMap(([d]) => d.data.map((p) => p.x)))].filter(Number.isFinite).sort((a, b) => a - b);
    if (xs.length === 0) return;
    at = Math.min(xs.length - 1, Math.max(0, at + by));
    const active = lines.map(([d, i]) => ({datasetIndex: i, index: d.data.findIndex((p) => p.x === xs[at])}))
        .filter((e) => e.index >= 0);
    chart.setActiveElements(active);
    chart.tooltip.setActiveElements(active, {x: chart.scales.x.getPixelForValue(xs[at]), y: chart.chartArea.top});
    chart.update('none');
    spoken.value = data.x_label + ' ' + nameOf(xs[at]) + '; ' + active.map((e) =>
        valueText({dataset: chart.data.datasets[e.datasetIndex], dataIndex: e.index})).join('; ');
  }
  canvas.addEventListener('keydown', (event) => {
    const act = {ArrowRight: () => step(1), ArrowLeft: () => step(-1), '+': () => nearer(2), '-': () => nearer(0.5),
                 0: () => zoom(null)}[event.key];
    if (!act) return;
    act();
    event.preventDefault();
  });

  function logBox(name) {
    const positive = data.series.some((s) => (name === 'x' ? s.x : s.y).some((v) => v > 0));
    const label = checkbox(say('log ' + name, name + ' 对数'), log[name], (on) => {
      log[name] = on;
      zoom(null);
    });
    label.firstChild.disabled = !positive || (name === 'x' && Boolean(data.x_names));
    label.firstChild.dataset.log = name;
    return label;
  }
  function bandBox() {
    const select = make('select', {'aria-label': say('Band', '区间'), 'data-control': 'band'});
    const options = hasRange ? [['quartiles', say('quartiles over seeds', '各种子的四分位')],
                                ['range', say('smallest to largest seed', '各种子的最小到最大')]]
                             : [['quartiles', say('shown', '显示')]];
    for (const [value, text] of [...options, ['none', say('none', '无')]]) select.append(make('option', {value}, text));
    select.addEventListener('change', () => {
      state.band = select.value;
      fanin.change();
    });
    const show = () => (select.value = !hasRange && state.band === 'range' ? 'quartiles' : state.band);
    fanin.watch(show);
    show();
    return make('label', {}, say('band ', '区间 '), select);
  }
  const controls = make('div', {class: 'controls'}, logBox('x'), logBox('y'));
  if (hasBand) controls.append(bandBox());
  controls.append(button('+', () => nearer(2), {'aria-label': say('Zoom in', '放大'), 'data-zoom': 'in'}),
                  button('−', () => nearer(0.5), {'aria-label': say('Zoom out', '缩小'), 'data-zoom': 'out'}), reset);
  const rows = () => [['series', 'group', 'x', 'x name', 'y', 'low', 'high', 'least', 'most'],
                      ...data.series.flatMap((s) => s.x.map((x, i) =>
                          [s.name, s.group, x, data.x_names ? nameOf(x) : '', s.y[i], s.low[i], s.high[i], s.least[i],
                           s.most[i]]))];
  figure.append(fanin.legend(data.series));
  if (data.series.some((s) => s.reference))
    figure.append(make('p', {class: 'note'}, data.reference_says ||
        say('Dotted lines with hollow points are predictions or published numbers.', '带空心点的点线是预测值或已发表的数据。')));
  figure.append(make('p', {class: 'note hint'}, say('Drag across the chart to zoom; double-click shows all.',
                                                    '在图上拖动可放大；双击显示全部。')), controls,
                fanin.downloads(figure, data.title, () => drawing, rows));
  fanin.followState(drawing);
  fanin.watch(refresh);
  addEventListener('resize', refresh);
  refresh();
};
